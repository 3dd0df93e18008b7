using Grpc.Core;
using Kv.Common.Topology;
using Kv.Faults.Nemesis;
using Kv.Faults.Testbeds;

namespace Kv.Faults.Load;

/// <summary>Knows the newest topology that any node which can be reached acts on, a moment late.</summary>
internal sealed class TopologyWatch(ITestbed testbed, World world)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    private volatile ClusterTopology? _current;

    public ClusterTopology Current => _current ?? throw new InvalidOperationException("No node has been asked yet.");

    public async Task RunAsync(CancellationToken stop)
    {
        for (var turn = 0; !stop.IsCancellationRequested; turn++)
        {
            var node = testbed.Nodes[turn % testbed.Nodes.Count];
            if (!world.Current.Down.Contains(node.Index)) await LookAsync(node);
            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async Task LookAsync(TestNode node)
    {
        try
        {
            var seen = await node.Probe.TopologyAsync(Bound);
            if (_current is not { } known || seen.Epoch.CompareTo(known.Epoch) > 0) _current = seen;
        }
        catch (RpcException)
        {
            // It says nothing just now.
        }
    }

    /// <summary>The nodes that serve a shard, as places in the list of nodes.</summary>
    public IReadOnlyList<int> MembersOf(ShardMembers shard) =>
        [.. shard.Members.Select(member => testbed.Nodes.First(node => node.Address == member.ToString()).Index)];

    /// <summary>The shard that a node serves; null when it serves none.</summary>
    public ShardMembers? ShardOf(TestNode node) => Current.Shards.FirstOrDefault(shard => shard.Members.Any(member => member.ToString() == node.Address));
}
