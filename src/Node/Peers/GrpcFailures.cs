using Grpc.Core;
using Kv.Common.Identity;
using Kv.Node.Peers.Wire;

namespace Kv.Node.Peers;

/// <summary>The one translation of what a gRPC call can end in, at the door out.</summary>
internal static class GrpcFailures
{
    /// <summary>
    /// True for every way in which a call ends because of the network, the peer or its cancellation. Besides RpcException: a server's reader reports an
    /// aborted connection as IOException, its writer a finished call as InvalidOperationException, and either one a call that Reset disposed of as
    /// ObjectDisposedException, which is one of those; a client's writer reports a connection that the peer closed as HttpRequestException, just as it got it.
    /// </summary>
    public static bool IsBroken(Exception exception) =>
        exception is RpcException or HttpRequestException or IOException or InvalidOperationException or OperationCanceledException or WireFormatException;

    /// <summary>Whoever cancelled hears of a cancellation, however the call came to its end meanwhile.</summary>
    public static Exception Translate(NodeAddress peer, Exception broken, CancellationToken cancellation)
    {
        if (broken is PeerUnavailableException) return broken;
        if (cancellation.IsCancellationRequested) return new OperationCanceledException(cancellation);
        return new PeerUnavailableException(peer, broken is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : broken.Message, broken);
    }
}
