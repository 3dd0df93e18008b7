using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Topology;

/// <summary>
/// Makes this node a member when it is none: one that joins, and one that is back at a member's address without its data. One that was removed
/// ends, and what comes in its place stays out until an operator lets it in.
/// </summary>
internal sealed partial class Admission(
    NodeIdentity self, TopologyRegister register, TopologyChanges changes, TimeProvider time, TopologyOptions options, ILogger<Admission> logger)
{
    /// <summary>Looks after it until cancelled; throws <see cref="RemovedFromClusterException"/> when the node was removed.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var topology = await register.Topology.WaitAsync(next => IsWanting(next) || IsRemoved(next), cancellation);
                if (IsRemoved(topology)) throw new RemovedFromClusterException(topology);
                LogAsking(logger, topology.Epoch);
                await changes.ChangeAsync(new TopologyChange.Admit(changes.NewOperation(), new(self.Address, self.Incarnation)), cancellation);
                await Task.Delay(options.ReviewInterval, time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private bool IsWanting(ClusterTopology topology) =>
        topology.IsSealed && !topology.IsMember(self) && (topology.Includes(self.Address) || !(register.WasMember || register.IsUninvited));

    // It need not have learned that it was a member: whoever has been removed by its name is.
    private bool IsRemoved(ClusterTopology topology) => topology.Removed.Contains(self.Incarnation) || (register.WasMember && !topology.Includes(self.Address));

    [LoggerMessage(6030, LogLevel.Information, "Epoch {Epoch} does not name this node: asking to be admitted")]
    private static partial void LogAsking(ILogger logger, Epoch epoch);
}
