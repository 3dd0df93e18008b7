using Grpc.Net.Client;
using Kv.Common.Topology;
using Kv.Node.Peers.Wire;
using Kv.Node.Security;
using Kv.Wire;
using VersionVector = Kv.Common.Causality.VersionVector;

namespace Kv.TestSupport;

/// <summary>What a node says of itself at its gRPC door.</summary>
public sealed class PeerProbe : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <param name="host">The node's.</param>
    /// <param name="peerPort">The node's.</param>
    /// <param name="secret">The cluster's, if peers are known by it.</param>
    public PeerProbe(string host, int peerPort, string secret = "")
        : this(host, peerPort, TestPeers.Knowing(secret))
    {
    }

    internal PeerProbe(string host, int peerPort, PeerTls? tls) => _channel = Open(host, peerPort, tls);

    /// <summary>A channel to a node's peer port.</summary>
    internal static GrpcChannel Open(string host, int peerPort, PeerTls? tls) => GrpcChannel.ForAddress(
        $"{(tls is null ? "http" : "https")}://{host}:{peerPort}",
        tls is null ? new() : new() { HttpHandler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = tls.ConnectAsync }, DisposeHttpClient = true });

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

    /// <summary>The topology that the node acts on. Fails when it does not answer within <paramref name="bound"/>.</summary>
    public async Task<ClusterTopology> TopologyAsync(TimeSpan bound) =>
        TopologyText.Parse((await new ControlPlane.ControlPlaneClient(_channel).GetTopologyAsync(new(), deadline: DateTime.UtcNow + bound)).Text);

    /// <summary>What the node's replica is of and holds. Fails when it does not answer within <paramref name="bound"/>.</summary>
    public async Task<ReplicaHoldings> HoldingsAsync(TimeSpan bound)
    {
        var reply = await new Replication.ReplicationClient(_channel).GetVectorAsync(new(), deadline: DateTime.UtcNow + bound);
        return new(reply.Incarnation, reply.Place, reply.Vector.ToDomain(), reply.KeyCount);
    }

    /// <summary>A key's record on this node; null when it has none. Fails when it does not answer within <paramref name="bound"/>.</summary>
    public async Task<HeldRecord?> RecordAsync(string key, TimeSpan bound)
    {
        var reply = await new Replication.ReplicationClient(_channel).GetRecordAsync(new() { Key = key }, deadline: DateTime.UtcNow + bound);
        return reply.Found ? new(reply.Tombstone ? null : reply.ValueJson, reply.Dot, reply.Token) : null;
    }

    /// <summary>How many live keys the node holds.</summary>
    public async Task<ulong> LiveKeysAsync() => (await new Replication.ReplicationClient(_channel).GetVectorAsync(new())).KeyCount;

    public void Dispose() => _channel.Dispose();
}

/// <summary>What a replica holds. <paramref name="Place"/>: the replica group it is of, empty for none.</summary>
public sealed record ReplicaHoldings(string Incarnation, string Place, VersionVector Vector, ulong LiveKeys);

/// <summary>A key's record. <paramref name="Value"/>: JSON, null for a tombstone. <paramref name="Token"/>: of the write that made it.</summary>
public sealed record HeldRecord(string? Value, string Dot, string Token);
