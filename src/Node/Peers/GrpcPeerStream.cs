using Grpc.Core;
using Kv.Common.Identity;

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
        catch (Exception broken) when (GrpcFailures.IsBroken(broken))
        {
            throw GrpcFailures.Translate(peer, broken, cancellation);
        }
    }

    public async ValueTask<TReceive?> ReceiveAsync(CancellationToken cancellation)
    {
        try
        {
            return await reader.MoveNext(cancellation) ? toDomain(reader.Current) : null;
        }
        catch (Exception broken) when (GrpcFailures.IsBroken(broken))
        {
            throw GrpcFailures.Translate(peer, broken, cancellation);
        }
    }

    public ValueTask DisposeAsync()
    {
        call?.Dispose();
        return default;
    }
}
