using System.Collections.Immutable;
using System.Globalization;

namespace Kv.Node.Observation;

/// <summary>
/// The last so many events, numbered from 1 by the process that saw them. Immutable. An event's id names the process as well, so that whoever comes back with an id of another
/// process, or of another node, is known to have missed everything.
/// </summary>
internal sealed record RecentEvents(string Process, int Capacity, long Last, ImmutableQueue<(long Number, Happening Event)> Kept)
{
    private long Oldest => Kept.IsEmpty ? Last + 1 : Kept.Peek().Number;

    public static RecentEvents None(string process, int capacity) => new(process, capacity, 0, []);

    public RecentEvents With(Happening happening)
    {
        var kept = Kept.Enqueue((Last + 1, happening));
        if (Last + 1 - Oldest >= Capacity) kept = kept.Dequeue();
        return this with { Last = Last + 1, Kept = kept };
    }

    /// <summary>Those after that number which are still remembered, the oldest first.</summary>
    public IEnumerable<(string Id, Happening Event)> After(long number) =>
        Kept.Where(each => each.Number > number).Select(each => (IdOf(each.Number), each.Event));

    /// <summary>The number of the event that <paramref name="id"/> names; 0 when it is none of this process's, so that everything comes after it.</summary>
    public long NumberOf(string? id)
    {
        var dash = id?.LastIndexOf('-') ?? -1;
        return dash > 0 && id.AsSpan(0, dash).SequenceEqual(Process)
            && long.TryParse(id.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= Last ? number : 0;
    }

    private string IdOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Process}-{number}");
}
