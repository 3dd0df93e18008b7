using System.Runtime.CompilerServices;
using Kv.Common.Replication;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Checkers;

/// <summary>Nothing grows without bound: records that wait for their past are bounded by what streams may be ahead, and none is left in the end.</summary>
internal sealed class QueueWatch(SimCluster cluster)
{
    /// <summary>Looks at every node as it is now.</summary>
    public void Look(bool isAtRest)
    {
        foreach (var node in cluster.Running)
        {
            var members = cluster.Nodes.Count;
            var options = node.Services!.GetRequiredService<ReplicationOptions>();
            // One stream of each other member, and what is fetched meanwhile.
            var bound = isAtRest ? 0 : members * (options.MaxBatchesAhead + 1) * RecordBatch.MaxRecords;
            var waiting = Inbox(node.Services!.GetRequiredService<ReplicaState>())?.Count ?? 0;
            if (waiting > bound) cluster.Violations.Add("Queues are bounded", $"{waiting} records wait for their past at {node.Address}, {bound} may");
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_inbox")]
    private static extern ref CausalInbox? Inbox(ReplicaState replica);
}
