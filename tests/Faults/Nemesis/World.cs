using System.Collections.Immutable;
using Kv.Faults.Testbeds;

namespace Kv.Faults.Nemesis;

/// <summary>What the suite has done to the cluster at some moment.</summary>
/// <param name="Down">Nodes that do not run, stand still, or have not said that they are ready since.</param>
/// <param name="Cuts">Links on which nothing arrives, and how many faults cut each.</param>
/// <param name="Kinds">What is going on, by name; the same name as often as it goes on.</param>
/// <param name="SettlesAt">When the last disturbance will be <see cref="World.DetectionWindow"/> ago, in ticks.</param>
/// <param name="Disturbances">How many there have been: faults that began, and links that were mended.</param>
/// <param name="Touched">To whom anything was done since the cluster was last whole.</param>
internal sealed record WorldView(
    ImmutableHashSet<int> Down, ImmutableDictionary<Link, int> Cuts, ImmutableList<string> Kinds, long SettlesAt, int Disturbances, ImmutableHashSet<int> Touched)
{
    /// <summary>True when the contacted node runs and a replica among <paramref name="members"/> is alive and in reach of it.</summary>
    public bool CanServe(int contacted, IEnumerable<int> members) => !Down.Contains(contacted) && members.Any(member => member == contacted || CanExchange(contacted, member));

    public bool CanExchange(int one, int other) => !Down.Contains(one) && !Down.Contains(other) && !IsCut(one, other);

    /// <summary>True when one of the two does not hear the other.</summary>
    public bool IsCut(int one, int other) => Cuts.ContainsKey(new(one, other)) || Cuts.ContainsKey(new(other, one));
}

/// <summary>Keeps <see cref="WorldView"/>.</summary>
internal sealed class World(SuiteClock clock)
{
    /// <summary>
    /// For so long after a fault begins, or a link is mended, nodes may not have found out: requests are not held against the cluster, and counted apart.
    /// </summary>
    public static readonly TimeSpan DetectionWindow = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private volatile WorldView _current = new([], ImmutableDictionary<Link, int>.Empty, [], 0, 0, []);

    public WorldView Current => _current;

    public void Begin(string kind) => Change(view => Disturbed(view) with { Kinds = view.Kinds.Add(kind) });

    /// <summary>A fault that is under way takes another turn, or is in full force only now, or has ended.</summary>
    public void Disturb() => Change(Disturbed);

    public void End(string kind) => Change(view => view with { Kinds = view.Kinds.Remove(kind) });

    /// <summary>Something that is no fault goes on; nothing is excused by it.</summary>
    public void BeginChange(string kind) => Change(view => view with { Kinds = view.Kinds.Add(kind) });

    public void TakeDown(int node) => Change(view => view with { Down = view.Down.Add(node), Touched = view.Touched.Add(node) });

    public void TakeUp(int node) => Change(view => view with { Down = view.Down.Remove(node) });

    /// <summary>Something is done to a node that leaves it running.</summary>
    public void Touch(int node) => Change(view => view with { Touched = view.Touched.Add(node) });

    /// <summary>The cluster is whole: whatever was done to anybody is over.</summary>
    public void Rest() => Change(view => view with { Touched = [] });

    public void Cut(IReadOnlyList<Link> links) => Change(view => view with
    {
        Cuts = links.Aggregate(view.Cuts, (cuts, link) => cuts.SetItem(link, cuts.GetValueOrDefault(link) + 1)),
        Touched = view.Touched.Union(links.SelectMany(link => (int[])[link.From, link.To])),
    });

    public void Mend(IEnumerable<Link> links) => Change(view => Disturbed(view) with
    {
        Cuts = links.Aggregate(view.Cuts, (cuts, link) => cuts[link] == 1 ? cuts.Remove(link) : cuts.SetItem(link, cuts[link] - 1)),
    });

    private WorldView Disturbed(WorldView view) => view with { SettlesAt = clock.Now + DetectionWindow.Ticks, Disturbances = view.Disturbances + 1 };

    private void Change(Func<WorldView, WorldView> change)
    {
        lock (_gate) _current = change(_current);
    }
}
