using Grpc.Core;
using Kv.Common.Identity;
using Kv.Node.Peers.Wire;

namespace Kv.Node.Peers;

/// <summary>A gRPC duplex call, from either end, in domain terms.</summary>
internal sealed class GrpcPeerStream<TSend, TReceive, TWireSend, TWireReceive>(
    NodeAddress peer,
    IAsyncStreamWriter<TWireSend> writer,
    IAsyncStreamReader<TWireReceive> reader,
    Func<TSend, TWireSend> toWire,
    Func<TWireReceive, TReceive> toDomain,
    IDisposable? call) : IPeerStream<TSend, TReceive>
    where TReceive : class
{
    public async ValueTask SendAsync(TSend message, CancellationToken cancellation)
    {
        try
        {
            await writer.WriteAsync(toWire(message), cancellation);
        }
        catch (Exception broken) when (IsBroken(broken) && !cancellation.IsCancellationRequested)
        {
            throw Unavailable(broken);
        }
        catch (RpcException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    public async ValueTask<TReceive?> ReceiveAsync(CancellationToken cancellation)
    {
        try
        {
            return await reader.MoveNext(cancellation) ? toDomain(reader.Current) : null;
        }
        catch (Exception broken) when (IsBroken(broken) && !cancellation.IsCancellationRequested)
        {
            throw Unavailable(broken);
        }
        catch (RpcException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    public ValueTask DisposeAsync()
    {
        call?.Dispose();
        return default;
    }

    // Besides RpcException: a server's reader reports an aborted connection as IOException, its writer a finished call as InvalidOperationException,
    // and either a call disposed by Reset as ObjectDisposedException.
    private static bool IsBroken(Exception exception) =>
        exception is RpcException or IOException or InvalidOperationException or OperationCanceledException or WireFormatException;

    private PeerUnavailableException Unavailable(Exception broken) =>
        new(peer, broken is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : broken.Message, broken);
}
