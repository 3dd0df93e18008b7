using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;

namespace Kv.Node.Hosting.ClusterDiscovery;

/// <summary>The time before a node is one: without a SHARD_COUNT and without data, it has to find out which cluster it belongs to.</summary>
internal static class ClusterFinder
{
    /// <summary>
    /// Gives the topology that the node begins with, or null when the process was told to stop meanwhile; both doors are open until then, and closed when
    /// the task completes. Throws <see cref="InvalidOptionsException"/>, and <see cref="IOException"/> when a port is taken.
    /// </summary>
    public static async Task<ClusterTopology?> FindAsync(string[] args, NodeOptions options, TimeProvider time)
    {
        // Alone in VIEW there is nobody to ask, and no reason to open the doors twice.
        var (_, untold) = new Discovery(options.SocketAddress, options.View, options.Topology.DiscoveryPatience).Hear(new Dictionary<NodeAddress, DiscoveryAnswer>(), TimeSpan.Zero);
        if (untold is DiscoveryDecision.Form alone) return alone.Topology;

        await using var doors = await DiscoveryDoors.OpenAsync(args, options);
        using var channels = new PeerChannels(options.Peers, doors.Security.Peers);
        var calls = new DiscoveryCalls(channels, options.Topology.AnswerTimeout, time, doors.Loggers.CreateLogger<DiscoveryCalls>());
        try
        {
            return await new DiscoveryLoop(options, calls.AskAsync, time, doors.Loggers.CreateLogger<DiscoveryLoop>()).RunAsync(doors.Stopping);
        }
        catch (OperationCanceledException) when (doors.Stopping.IsCancellationRequested)
        {
            return null;
        }
    }
}
