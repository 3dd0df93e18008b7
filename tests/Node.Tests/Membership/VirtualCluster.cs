using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Membership;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Membership;

/// <summary>Nodes on one virtual network and clock, numbered from 0.</summary>
internal sealed class VirtualCluster
{
    private readonly Dictionary<int, VirtualNode> _nodes = [];
    private readonly Random _seeds;
    private ulong _incarnations;

    public VirtualCluster(int size, int seed = 1)
    {
        _seeds = new(seed);
        Network = new(Clock.Time);
        Topology = Genesis.Provisional([.. Enumerable.Range(0, size).Select(AddressOf)], 1);
        for (var i = 0; i < size; i++) Start(i);
    }

    public VirtualClock Clock { get; } = new();

    public VirtualNetwork Network { get; }

    public ClusterTopology Topology { get; }

    public MembershipOptions Options { get; } = new();

    public IEnumerable<VirtualNode> Running => _nodes.Values;

    public VirtualNode this[int index] => _nodes[index];

    public static NodeAddress AddressOf(int index) => NodeAddress.Parse($"10.10.0.{index + 2}:8080");

    /// <summary>A cluster whose nodes have all heard each other, at a time that depends on the seed.</summary>
    public static VirtualCluster Formed(int size, int seed = 1)
    {
        var cluster = new VirtualCluster(size, seed);
        cluster.Advance(2000 + cluster._seeds.Next(1000));
        Assert.All(cluster.Running, node => Assert.Equal(size, node.View.LiveMembers.Length));
        return cluster;
    }

    /// <summary>A process begins at the address, with data of its own unless another incarnation's is given.</summary>
    public VirtualNode Start(int index, Incarnation? incarnation = null, ClusterTopology? topology = null)
    {
        var self = new NodeIdentity((topology ?? Topology).Cluster, AddressOf(index), incarnation ?? new(++_incarnations));
        var node = new VirtualNode(self, topology ?? Topology, Options, Clock, Network, _seeds.Next());
        _nodes[index] = node;
        Network.Attach(node);
        node.Start();
        return node;
    }

    /// <summary>Ends a process at once. Its machine goes with it when <paramref name="silently"/>: nothing answers, and no stream breaks.</summary>
    public void Kill(int index, bool silently)
    {
        _nodes.Remove(index, out var node);
        node!.Process.IsPaused = true;
        if (silently)
        {
            foreach (var other in _nodes.Values) Network.CutBoth(other.Address, node.Address);
        }
        else
        {
            Network.Detach(node.Address);
        }
    }

    public void Advance(double milliseconds) => Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

    public TimeSpan AdvanceUntil(Func<bool> reached, TimeSpan bound) => Clock.AdvanceUntil(reached, bound);

    /// <summary>True when every running node except <paramref name="index"/> itself has that state of it.</summary>
    public bool AllSee(int index, PeerState state) =>
        _nodes.Where(pair => pair.Key != index).All(pair => pair.Value.StateOf(AddressOf(index)) == state);

    /// <summary>How often any running node logged one of the events.</summary>
    public int Logged(params int[] events) => Running.Sum(node => events.Sum(node.Logged));
}
