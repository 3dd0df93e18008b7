using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Migration;

/// <summary>Has this node become a member of the shard it joins, once it holds all of it.</summary>
internal sealed partial class Promotion(
    NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, ServingFloor floor, TopologyChanges changes, TimeProvider time, TopologyOptions options, ILogger<Promotion> logger)
{
    /// <summary>Looks after it until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await floor.WaitUntilJoinedAsync(cancellation);
                // While a reshard is under way it would be refused.
                if (topology.Current.Transition is null && replica.Place is { Role: ReplicaRole.Joining, Shard: { } shard })
                {
                    LogJoined(logger, shard.Id);
                    await changes.ChangeAsync(new TopologyChange.Promote(changes.NewOperation(), shard.Id, new(self.Address, self.Incarnation)), cancellation);
                }

                await Task.Delay(options.ReviewInterval, time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(5000, LogLevel.Information, "This node holds all of shard {Shard}: asking to serve it")]
    private static partial void LogJoined(ILogger logger, ShardId shard);
}
