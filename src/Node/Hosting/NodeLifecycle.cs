using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Hosting.Drain;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Telemetry;
using Kv.Node.Topology;

namespace Kv.Node.Hosting;

/// <summary>Starts the node's loops with the host and awaits their end at stop. A loop that dies takes the process with it: half a node is worse than none.</summary>
internal sealed partial class NodeLifecycle(
    NodeLoops loops,
    NodeIdentity self,
    NodeOptions options,
    NodeEnding ending,
    Published<ClusterTopology> topology,
    Readiness readiness,
    Draining draining,
    KvMetrics metrics,
    IHostApplicationLifetime lifetime,
    ILogger<NodeLifecycle> logger,
    DataDirectory? directory = null)
    : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var shard = topology.Current.ShardOf(self.Address)?.Id.ToString() ?? "none";
        LogStarting(logger, self.Address, self.Incarnation, self.Cluster, topology.Current.Epoch, shard);
        var open = string.Join("; ", options.Security.Open());
        if (open.Length > 0) LogUnsecured(logger, open);
        // For a node that ends without having been told to.
        lifetime.ApplicationStopping.Register(() => readiness.End("Stopping"));
        metrics.BeginAtZero();
        _running = RunAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stop.Cancel();
        await _running;
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync()
    {
        // Off the host's start path: loops run until their first wait before they yield.
        await Task.Yield();
        try
        {
            await loops.RunAsync(_stop.Token);
        }
        catch (RemovedFromClusterException removed)
        {
            BeginAnewAfter(removed.Topology);
        }
        catch (StorageDamagedException damage)
        {
            LogDamaged(logger, damage.Message);
            Environment.ExitCode = ExitCodes.Damaged;
            MarkDamaged(damage.Message);
            lifetime.StopApplication();
        }
        catch (DataDirectoryRefusedException refused)
        {
            LogRefused(logger, refused.Message);
            Environment.ExitCode = ExitCodes.Refused;
            lifetime.StopApplication();
        }
        catch (StorageFailedException failure)
        {
            LogDiskFailed(logger, failure.Message);
            Environment.ExitCode = ExitCodes.DiskFailed;
            lifetime.StopApplication();
        }
        catch (Exception failure)
        {
            LogFailed(logger, failure);
            Environment.ExitCode = ExitCodes.Failed;
            lifetime.StopApplication();
        }
    }

    // A start that reads only what it must would not find it again.
    private void MarkDamaged(string what)
    {
        try
        {
            directory?.MarkDamaged(what);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogFailed(logger, failure);
        }
    }

    private void BeginAnewAfter(ClusterTopology removedIn)
    {
        LogRemoved(logger, removedIn.Epoch);
        try
        {
            directory?.MarkRemoved(removedIn);
            // Told to stop at the same moment, the process does not begin anew, but when it is started next.
            if (!draining.HasBegun && !lifetime.ApplicationStopping.IsCancellationRequested) ending.RemovedIn = removedIn;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogFailed(logger, failure);
            Environment.ExitCode = ExitCodes.Failed;
        }
        finally
        {
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(1000, LogLevel.Information, "Node {Address} (incarnation {Incarnation}) of cluster {Cluster} starts at epoch {Epoch} in shard {Shard}")]
    private static partial void LogStarting(ILogger logger, NodeAddress address, Incarnation incarnation, ClusterId cluster, Epoch epoch, string shard);

    [LoggerMessage(1001, LogLevel.Warning, "This node is not secured against those who reach its ports: {Open}. In brackets: what to set; docs/security.md says how")]
    private static partial void LogUnsecured(ILogger logger, string open);

    [LoggerMessage(1003, LogLevel.Warning, "This node was removed from the cluster in epoch {Epoch}: it begins anew, empty, and waits to be let in")]
    private static partial void LogRemoved(ILogger logger, Epoch epoch);

    [LoggerMessage(
        1004, LogLevel.Critical, "The data of this node are damaged, and it stops: {What} It does not start again from them. Start it with --rebuild or KV_REBUILD=true to have it filled anew by its peers")]
    private static partial void LogDamaged(ILogger logger, string what);

    [LoggerMessage(1008, LogLevel.Critical, "The data directory is not this node's any more, and the node stops: {What}")]
    private static partial void LogRefused(ILogger logger, string what);

    [LoggerMessage(
        1005, LogLevel.Critical, "The disk failed, and the node stops: {What}. Whatever it acknowledged is there when it starts again; see to the disk first")]
    private static partial void LogDiskFailed(ILogger logger, string what);

    [LoggerMessage(1002, LogLevel.Critical, "The node cannot go on and stops")]
    private static partial void LogFailed(ILogger logger, Exception failure);
}
