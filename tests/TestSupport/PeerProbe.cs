using Grpc.Net.Client;
using Kv.Wire;

namespace Kv.TestSupport;

/// <summary>What a node says of itself at its gRPC door.</summary>
public sealed class PeerProbe : IDisposable
{
    private readonly GrpcChannel _channel;

    public PeerProbe(string host, int peerPort) => _channel = GrpcChannel.ForAddress($"http://{host}:{peerPort}");

    /// <summary>Who the node is, and how many of each incarnation's writes it holds durably.</summary>
    public async Task<(string Incarnation, IReadOnlyDictionary<string, ulong> Vector)> VectorAsync()
    {
        var reply = await new Replication.ReplicationClient(_channel).GetVectorAsync(new());
        return (reply.Incarnation, reply.Vector.Entries.ToDictionary(dot => dot.Incarnation.ToString("x16", null), dot => dot.Sequence));
    }

    /// <summary>The dot of a key's record on this node, <c>incarnation:sequence</c>; null when it has none.</summary>
    public async Task<string?> DotAsync(string key)
    {
        var reply = await new Replication.ReplicationClient(_channel).GetRecordAsync(new() { Key = key });
        return reply.Found ? reply.Dot : null;
    }

    /// <summary>The epoch of the topology that the node acts on.</summary>
    public async Task<ulong> EpochAsync() => (await new ControlPlane.ControlPlaneClient(_channel).GetTopologyAsync(new())).Epoch;

    /// <summary>How many live keys the node holds.</summary>
    public async Task<ulong> LiveKeysAsync() => (await new Replication.ReplicationClient(_channel).GetVectorAsync(new())).KeyCount;

    public void Dispose() => _channel.Dispose();
}
