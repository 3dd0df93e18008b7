using Google.Protobuf;
using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door's one translation of what can go wrong into status codes.</summary>
internal static class RpcFailures
{
    /// <summary>Refuses callers of another cluster, and those who do not say who they are.</summary>
    public static NodeIdentity AdmitToCluster(Kv.Wire.Sender? sender, NodeIdentity self)
    {
        var peer = Reading(() => sender.ToDomain());
        if (peer.Cluster != self.Cluster)
            throw new RpcException(new(StatusCode.FailedPrecondition, $"This node belongs to cluster {self.Cluster}, the caller to {peer.Cluster}."));
        if (peer.Incarnation.IsNone) throw new RpcException(new(StatusCode.PermissionDenied, "The sender says no incarnation."));
        return peer;
    }

    /// <summary>Refuses callers of another cluster and callers that this node's topology does not name.</summary>
    public static NodeIdentity Admit(Kv.Wire.Sender? sender, NodeIdentity self, ClusterTopology topology)
    {
        var peer = AdmitToCluster(sender, self);
        if (!topology.Includes(peer.Address))
            throw new RpcException(new(StatusCode.PermissionDenied, $"{peer.Address} is not a member of epoch {topology.Epoch}."));
        return peer;
    }

    /// <summary>A message that cannot be read is the caller's fault.</summary>
    public static T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (WireFormatException malformed)
        {
            throw new RpcException(new(StatusCode.InvalidArgument, malformed.Message));
        }
    }

    /// <summary>Runs a stream to its end; a peer that went away is no error, and a node that stops ends its streams instead of waiting for them.</summary>
    public static async Task ServeAsync(ServerCallContext context, IHostApplicationLifetime lifetime, Func<CancellationToken, Task> serve)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await serve(end.Token);
        }
        catch (Exception gone) when (MalformedIn(gone) is { } malformed)
        {
            throw new RpcException(new(StatusCode.InvalidArgument, malformed.Message));
        }
        catch (Exception gone) when (gone is PeerUnavailableException || (context.CancellationToken.IsCancellationRequested && GrpcFailures.IsBroken(gone)))
        {
        }
        catch (Exception stopping) when (stopping is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            throw new RpcException(new(StatusCode.Unavailable, "The node is stopping."));
        }
    }

    // Bytes that are no protobuf message are, to their reader, an IOException like any other; the peer is to hear the difference.
    private static Exception? MalformedIn(Exception gone) => (gone is PeerUnavailableException ? gone.InnerException : gone) switch
    {
        WireFormatException malformed => malformed,
        InvalidProtocolBufferException malformed => malformed,
        _ => null,
    };
}
