using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Histories;
using Kv.Node.Topology;

namespace Kv.Simulation.Checkers;

/// <summary>
/// One topology per epoch, over all nodes and all time, as no node can know it: told of every state of the register that became durable anywhere. A
/// topology that somebody acts on follows the one before it and was voted for by a quorum of that one's acceptors at one ballot; no two were ever so voted
/// for, even if nobody learned of both; and no incarnation goes back.
/// </summary>
internal sealed class TopologyHistory(ClusterTopology genesis, Violations violations)
{
    private const string Promise = "One topology per epoch";

    private readonly SortedDictionary<Epoch, ClusterTopology> _held = new() { [genesis.Epoch] = genesis };
    private readonly Dictionary<Epoch, ulong> _chosen = [];
    private readonly Dictionary<(Epoch, Common.Consensus.Ballot, ulong Digest), HashSet<NodeAddress>> _votes = [];
    private readonly Dictionary<(Epoch, Common.Consensus.Ballot), ulong> _byBallot = [];
    private readonly Dictionary<Incarnation, Epoch> _reached = [];
    private readonly HashSet<ulong> _recovered = [];
    private readonly Dictionary<Incarnation, RegisterState> _registers = [];

    /// <summary>The newest topology that is durable anywhere.</summary>
    public ClusterTopology Newest { get; private set; } = genesis;

    /// <summary>Told when <see cref="Newest"/> changes, with the one before.</summary>
    public Action<ClusterTopology>? Changed { get; set; }

    /// <summary>How many topologies were decided, the provisional one left out.</summary>
    public int Decided => _held.Count - 1;

    /// <summary>Every topology between two epochs, both included.</summary>
    public IEnumerable<ClusterTopology> Between(Epoch first, Epoch last) => _held.Values.Where(topology => topology.Epoch >= first && topology.Epoch <= last);

    /// <summary>True when a topology of which this holds is durable at a majority of those who decide the next one.</summary>
    public bool IsHeldByMajority(Func<ClusterTopology, bool> condition) => _held.Values.Any(topology =>
        condition(topology)
        && topology.Acceptors.Count(acceptor => _reached.GetValueOrDefault(acceptor.Incarnation) >= topology.Epoch) > topology.Acceptors.Length / 2);

    /// <summary>What that node will go by when it runs: the topology that is durable there. Null before its first.</summary>
    public ClusterTopology? HeldBy(NodeIdentity node) => _registers.GetValueOrDefault(node.Incarnation)?.Acceptor.Chosen;

    /// <summary>
    /// True when those who are at the addresses of VIEW can still bring the seal about: a quorum of them may vote, or will once they have greeted the others.
    /// Lost disks can make that impossible; then an operator has to form the cluster again.
    /// </summary>
    public bool CanBeSealed(IReadOnlyCollection<NodeIdentity> present) => present.Count(node => MayVote(node, present)) > _held[Epoch.First].Members.Length / 2;

    /// <summary>An operator made this topology by force: nobody votes for it.</summary>
    public void Recovered(ClusterTopology topology) => _recovered.Add(topology.Digest);

    /// <summary>This state of a node's register is durable.</summary>
    public void Persisted(NodeIdentity node, RegisterState state)
    {
        var acceptor = state.Acceptor;
        var chosen = acceptor.Chosen;
        if (_reached.TryGetValue(node.Incarnation, out var reached) && chosen.Epoch < reached) violations.Add(Promise, $"{node.Address} goes back from epoch {reached} to {chosen.Epoch}");
        _reached[node.Incarnation] = chosen.Epoch;
        _registers[node.Incarnation] = state;
        if (acceptor.Accepted is { } accepted) Voted(node, chosen, acceptor.AcceptedAt, accepted);
        Hold(node, chosen);
    }

    private bool MayVote(NodeIdentity node, IReadOnlyCollection<NodeIdentity> present)
    {
        if (_registers.GetValueOrDefault(node.Incarnation)?.Acceptor.IsEstablished == true) return true;
        var others = present.Where(other => !other.Address.Equals(node.Address)).ToList();
        return others.Count == 0 || others.Count(Records) > others.Count / 2;

        bool Records(NodeIdentity other) =>
            _registers.GetValueOrDefault(other.Incarnation)?.FirstSeen.ByAddress.TryGetValue(node.Address, out var first) != true || first == node.Incarnation;
    }

    private void Voted(NodeIdentity node, ClusterTopology parent, Common.Consensus.Ballot ballot, ClusterTopology value)
    {
        if (!parent.Acceptors.Any(entry => entry.StandsFor(new(node.Address, node.Incarnation)))) return;
        var key = (value.Epoch, ballot, value.Digest);
        if (!_byBallot.TryAdd((value.Epoch, ballot), value.Digest) && _byBallot[(value.Epoch, ballot)] != value.Digest)
            violations.Add(Promise, $"ballot {ballot} carried two values for epoch {value.Epoch}");
        if (!_votes.TryGetValue(key, out var voters)) _votes[key] = voters = [];
        if (!voters.Add(node.Address) || voters.Count <= parent.Acceptors.Length / 2) return;
        if (!_chosen.TryAdd(value.Epoch, value.Digest) && _chosen[value.Epoch] != value.Digest)
            violations.Add(Promise, $"epoch {value.Epoch} was decided twice: {_chosen[value.Epoch]:x16} and {value.Digest:x16} at ballot {ballot}");
    }

    private void Hold(NodeIdentity node, ClusterTopology topology)
    {
        if (_held.TryGetValue(topology.Epoch, out var known))
        {
            if (known.Digest != topology.Digest) violations.Add(Promise, $"epoch {topology.Epoch} is {known} and, at {node.Address}, {topology}");
            return;
        }

        if (_recovered.Contains(topology.Digest)) violations.Add(FollowsRecovered(topology));
        else if (!_chosen.TryGetValue(topology.Epoch, out var chosen) || chosen != topology.Digest) violations.Add(Promise, $"{node.Address} acts on {topology}, which no quorum voted for");
        else if (_held.TryGetValue(new(topology.Epoch.Value - 1), out var parent) && parent.Digest != topology.ParentDigest) violations.Add(Promise, $"{topology} does not follow {parent}");
        if (_held.TryGetValue(topology.Epoch.Next, out var child) && child.ParentDigest != topology.Digest) violations.Add(Promise, $"{child} does not follow {topology}");
        _held.Add(topology.Epoch, topology);
        if (topology.Epoch < Newest.Epoch) return;
        var before = Newest;
        Newest = topology;
        Changed?.Invoke(before);
    }

    private IEnumerable<Violation> FollowsRecovered(ClusterTopology topology) =>
        _held.Values.Any(known => known.Digest == topology.ParentDigest && known.Epoch.NextGeneration == topology.Epoch)
            ? []
            : [new(Promise, $"{topology} was recovered from nothing that anybody held")];
}
