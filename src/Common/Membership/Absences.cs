using Kv.Common.Identity;

namespace Kv.Common.Membership;

/// <summary>Since when nodes are gone, as one node sees it: for whoever looks regularly. Times are monotonic, from any origin.</summary>
public sealed class Absences
{
    private readonly Dictionary<NodeAddress, TimeSpan> _since = [];

    /// <summary>Of all that are watched, those in <paramref name="gone"/> are gone now; whoever is not was here, or is not watched any more.</summary>
    public void Look(IReadOnlyCollection<NodeAddress> gone, TimeSpan now)
    {
        foreach (var back in _since.Keys.Except(gone).ToList()) _since.Remove(back);
        foreach (var node in gone) _since.TryAdd(node, now);
    }

    /// <summary>Who is gone for longest, and for at least so long; of several the first by address; null when nobody is.</summary>
    public NodeAddress? Longest(TimeSpan atLeast, TimeSpan now) =>
        _since.Where(gone => now - gone.Value >= atLeast).OrderBy(gone => gone.Value).ThenBy(gone => gone.Key).Select(gone => gone.Key).FirstOrDefault();

    /// <summary>Begins to count anew.</summary>
    public void Forget(NodeAddress node) => _since.Remove(node);
}
