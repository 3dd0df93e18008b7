using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Kv.Node.Topology;

namespace Kv.Node.Hosting;

/// <summary>Who a node is, and what it begins with. <paramref name="Directory"/> is null for a node that keeps nothing.</summary>
internal sealed record NodeOrigin(NodeIdentity Self, TopologyOrigin Topology, DataDirectory? Directory)
{
    /// <summary>
    /// What the settings say comes first, so that data of another cluster is noticed; then what the data says; then <paramref name="discover"/>, and null
    /// when that gives up. <paramref name="removedIn"/> is where the node in whose place this one comes was removed; a directory knows that by itself. Throws <see cref="DataDirectoryRefusedException"/>.
    /// </summary>
    public static async Task<NodeOrigin?> FindAsync(NodeOptions options, ClusterTopology? removedIn, Func<Task<ClusterTopology?>> discover)
    {
        // Before anything that takes long: a node that could not keep its data is told so at once.
        if (options.InMemory && removedIn is not null) return new(Nameless(removedIn, options), new(removedIn, IsUninvited: true), null);
        var directory = options.InMemory ? null : DataDirectory.Open(options.DataDirectory, options.SocketAddress);
        NodeOrigin? origin = null;
        try
        {
            var isToBeRebuilt = directory is { IsToBeRebuilt: true } && options.View.Count > 1;
            var told = options.ShardCount is { } shards ? Kv.Common.Topology.Genesis.Provisional(options.View, shards) : null;
            var genesis = isToBeRebuilt ? await discover() : told ?? directory?.Genesis ?? await discover();
            if (isToBeRebuilt && genesis is not null) Check(genesis, told);
            if (genesis is not null) origin = Claim(options, genesis, directory);
            return origin;
        }
        finally
        {
            if (origin is null) directory?.Dispose();
        }
    }

    // A rebuilt node has lost what it held. Whoever has the rest of it is to be found: to form a cluster instead, with others that lost theirs, would be to answer that there never was anything.
    private static void Check(ClusterTopology found, ClusterTopology? told)
    {
        if (!found.IsSealed) throw new DataDirectoryRefusedException("This node's data were put aside, and nobody in VIEW has the cluster that could fill it: start the nodes that have data, and then this one again.");
        if (told is not null && told.Cluster != found.Cluster)
            throw new DataDirectoryRefusedException($"VIEW and SHARD_COUNT are of cluster {told.Cluster}, and the nodes in VIEW belong to cluster {found.Cluster}.");
    }

    private static NodeOrigin Claim(NodeOptions options, ClusterTopology genesis, DataDirectory? directory)
    {
        if (directory is null) return new(Nameless(genesis, options), new(genesis), null);
        var self = directory.Claim(genesis, NewIncarnation);
        return new(self, new(directory.Genesis!, directory.IsUninvited), directory);
    }

    // Nothing is kept, so every start is another incarnation.
    private static NodeIdentity Nameless(ClusterTopology topology, NodeOptions options) => new(topology.Cluster, options.SocketAddress, new(NewIncarnation()));

    private static ulong NewIncarnation() => BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
}
