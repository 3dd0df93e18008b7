using Kv.Common.Identity;

namespace Kv.Simulation.Faults;

/// <summary>Remembers until when each machine and each pair of machines was disturbed, so that checkers know where nothing excuses anything.</summary>
internal sealed class Calm(Func<long> now)
{
    private readonly Dictionary<NodeAddress, long> _nodes = [];
    private readonly Dictionary<(NodeAddress, NodeAddress), long> _pairs = [];
    private readonly List<(long From, long Until)> _delays = [];

    /// <summary>The machine cannot be relied on from now until then.</summary>
    public void Disturb(NodeAddress node, long until) => _nodes[node] = Math.Max(_nodes.GetValueOrDefault(node), Math.Max(until, now()));

    public void Disturb(NodeAddress one, NodeAddress other, long until)
    {
        var pair = Ordered(one, other);
        _pairs[pair] = Math.Max(_pairs.GetValueOrDefault(pair), Math.Max(until, now()));
    }

    /// <summary>Something in the cluster takes longer than a request's deadline accounts for.</summary>
    public void Delay(long until) => _delays.Add((now(), until));

    public bool IsCalm(NodeAddress node, TimeSpan since) => _nodes.GetValueOrDefault(node, long.MinValue) <= now() - since.Ticks;

    public bool IsCalm(NodeAddress one, NodeAddress other, TimeSpan since) => _pairs.GetValueOrDefault(Ordered(one, other), long.MinValue) <= now() - since.Ticks;

    /// <summary>How long delays, which may overlap, held between two moments.</summary>
    public TimeSpan DelayedBetween(long from, long until) =>
        TimeSpan.FromTicks(_delays.Sum(delay => Math.Max(0, Math.Min(delay.Until, until) - Math.Max(delay.From, from))));

    private static (NodeAddress, NodeAddress) Ordered(NodeAddress one, NodeAddress other) => one.CompareTo(other) <= 0 ? (one, other) : (other, one);
}
