namespace Kv.Faults.Testbeds;

/// <summary>What one node sends to another one.</summary>
internal readonly record struct Link(int From, int To)
{
    public Link Back => new(To, From);

    /// <summary>Every link between the two groups, both ways.</summary>
    public static IReadOnlyList<Link> Between(IEnumerable<int> group, IReadOnlyCollection<int> others) =>
        [.. group.SelectMany(_ => others, (one, other) => new Link(one, other)).Where(link => link.From != link.To).SelectMany(link => (Link[])[link, link.Back]).Distinct()];
}
