using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.Node.Hosting;

/// <summary>Who a node is, and the topology it begins with. <paramref name="Directory"/> is null for a node that keeps nothing.</summary>
internal sealed record NodeOrigin(NodeIdentity Self, ClusterTopology Genesis, DataDirectory? Directory)
{
    /// <summary>
    /// What the settings say comes first, so that data of another cluster is noticed; then what the data says; then <paramref name="discover"/>, and null
    /// when that gives up. Throws <see cref="DataDirectoryRefusedException"/>.
    /// </summary>
    public static async Task<NodeOrigin?> FindAsync(NodeOptions options, Func<Task<ClusterTopology?>> discover)
    {
        // Before anything that takes long: a node that could not keep its data is told so at once.
        var directory = options.InMemory ? null : DataDirectory.Open(options.DataDirectory, options.SocketAddress);
        NodeOrigin? origin = null;
        try
        {
            var genesis = options.ShardCount is { } shards
                ? Kv.Common.Topology.Genesis.Provisional(options.View, shards)
                : directory?.Genesis ?? await discover();
            if (genesis is not null) origin = Claim(options, genesis, directory);
            return origin;
        }
        finally
        {
            if (origin is null) directory?.Dispose();
        }
    }

    private static NodeOrigin Claim(NodeOptions options, ClusterTopology genesis, DataDirectory? directory)
    {
        if (directory is null) return new(new(genesis.Cluster, options.SocketAddress, new(NewIncarnation())), genesis, null);
        var self = directory.Claim(genesis, NewIncarnation);
        return new(self, directory.Genesis ?? genesis, directory);
    }

    private static ulong NewIncarnation() => BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
}
