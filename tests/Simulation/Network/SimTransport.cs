using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Kv.Common.Identity;
using Kv.Node.Backup;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Topology;
using Kv.Simulation.Time;

namespace Kv.Simulation.Network;

/// <summary>The transport of one process on the simulated network.</summary>
internal sealed class SimTransport(SimNetwork network, NodeIdentity self, SimProcess process, TimeProvider time, IDoor door) : IPeerTransport
{
    private const int WindowMessages = 32;

    // The stores are small, and are to be moved in several pages all the same.
    private const int PageBytes = 100;

    public SimProcess Process => process;

    public async ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation) =>
        (await OpenAsync<Heartbeat, Heartbeat>(peer, (there, stream, stop) => there.ServeHeartbeatsAsync(stream, stop), cancellation)).Near;

    public async ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) =>
        (await OpenAsync<RecordBatch, Acknowledgement>(peer, (there, stream, stop) => there.ServeBroadcastAsync(self, opening, stream, stop), cancellation)).Near;

    public async ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) =>
        (await OpenAsync<ForwardBatch, ForwardReplyBatch>(peer, (there, stream, stop) => there.ServeForwardingAsync(self, stream, stop), cancellation)).Near;

    public async IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var connection = await OpenAsync<FetchRequest, RecordBatch>(peer, (there, stream, stop) => there.ServeFetchAsync(self, stream, stop), cancellation);
        await using var stream = connection.Near;
        await stream.SendAsync(request, cancellation);
        RecordBatch? late = null;
        while (await stream.ReceiveAsync(cancellation) is { } batch)
        {
            if (late is null && network.Draw(network.FetchDisorder))
            {
                late = batch;
                continue;
            }

            yield return batch;
            if (network.Draw(network.FetchDisorder)) yield return batch;
            if (late is null) continue;
            yield return late;
            late = null;
        }

        if (late is not null) yield return late;
    }

    public async IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var connection = await OpenAsync<TransferRequest, TransferPiece>(peer, (there, stream, stop) => there.ServeTransferAsync(self, stream, stop), cancellation);
        await using var stream = connection.Near;
        await stream.SendAsync(request with { MaxBytes = Math.Min(request.MaxBytes, PageBytes) }, cancellation);
        while (await stream.ReceiveAsync(cancellation) is { } piece) yield return piece;
    }

    public ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation) => throw new NotSupportedException();

    public async ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation)
    {
        var connection = await OpenAsync<ProbeCall, ProbeCall>(
            peer,
            async (there, stream, stop) =>
            {
                if (await stream.ReceiveAsync(stop) is { } call) await stream.SendAsync(call with { Answer = there.Hears(self, call.Target) }, stop);
            },
            cancellation);
        await using var stream = connection.Near;
        await stream.SendAsync(new(target, false), cancellation);
        return await stream.ReceiveAsync(cancellation) is { } reply ? reply.Answer : throw new PeerUnavailableException(peer, "no answer");
    }

    public async ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation)
    {
        var connection = await OpenAsync<ControlRequest, ControlReply>(
            peer,
            async (there, stream, stop) =>
            {
                if (await stream.ReceiveAsync(stop) is { } call) await stream.SendAsync(await there.AnswerAsync(self, call), stop);
            },
            cancellation);
        await using var stream = connection.Near;
        await stream.SendAsync(request, cancellation);
        return await stream.ReceiveAsync(cancellation) ?? throw new PeerUnavailableException(peer, "no answer");
    }

    public void Reset(NodeAddress peer) => network.BreakConnections(self.Address, peer, "reset, because the peer is held unreachable");

    private async ValueTask<Connection<TOut, TIn>> OpenAsync<TOut, TIn>(
        NodeAddress peer, Func<IDoor, IPeerStream<TIn, TOut>, CancellationToken, Task> serve, CancellationToken cancellation)
        where TOut : class
        where TIn : class
    {
        cancellation.ThrowIfCancellationRequested();
        var roundTrip = network.DrawDelay(network[self.Address, peer]) + network.DrawDelay(network[peer, self.Address]);
        var began = time.GetTimestamp();
        await Task.Delay(roundTrip < SimNetwork.ConnectTimeout ? roundTrip : SimNetwork.ConnectTimeout, time, cancellation);
        if (roundTrip >= SimNetwork.ConnectTimeout || !network.Answers(self.Address, peer))
        {
            var left = SimNetwork.ConnectTimeout - time.GetElapsedTime(began);
            if (left > TimeSpan.Zero) await Task.Delay(left, time, cancellation);
            throw new PeerUnavailableException(peer, "no answer within the connect timeout");
        }

        if (network.At(peer) is not { } there) throw new PeerUnavailableException(peer, "connection refused");
        var connection = new Connection<TOut, TIn>(network, self.Address, peer, process, there.Process, WindowMessages);
        network.Remember(connection);
        there.Process.Start(() => there.ServeAsync(connection, serve));
        return connection;
    }

    private async Task ServeAsync<TOut, TIn>(Connection<TOut, TIn> connection, Func<IDoor, IPeerStream<TIn, TOut>, CancellationToken, Task> serve)
        where TOut : class
        where TIn : class
    {
        try
        {
            await serve(door, connection.Far, connection.Serving);
            connection.Far.Finish(null);
        }
        catch (PeerUnavailableException)
        {
            connection.Far.Finish("the call ended");
        }
        catch (RefusedCallException refused)
        {
            connection.Far.Finish(refused.Message);
        }
        catch (Exception stopping) when (stopping is OperationCanceledException or ChannelClosedException)
        {
            connection.Far.Finish("the node is stopping");
        }
        catch (Exception bug)
        {
            door.Failed(bug);
            connection.Far.Finish("internal error");
        }
    }

    private sealed record ProbeCall(NodeAddress Target, bool Answer);
}
