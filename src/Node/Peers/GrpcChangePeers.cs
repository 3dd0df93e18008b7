using System.Runtime.CompilerServices;
using Grpc.Core;
using Kv.Common.Identity;
using Kv.Node.Changes;
using Kv.Node.Peers.Wire;
using W = Kv.Wire;

namespace Kv.Node.Peers;

/// <summary>The production way: protobuf over gRPC.</summary>
internal sealed class GrpcChangePeers(NodeIdentity self, PeerChannels channels) : IChangePeers
{
    public async ValueTask<ChangeAnswer> AskAsync(NodeAddress peer, ChangeQuestion question, CancellationToken cancellation)
    {
        try
        {
            return (await ClientOf(peer).AskAsync(question.ToWire(self), cancellationToken: cancellation)).ToDomain();
        }
        catch (Exception broken) when (GrpcFailures.IsBroken(broken))
        {
            throw GrpcFailures.Translate(peer, broken, cancellation);
        }
    }

    public async IAsyncEnumerable<ChangePiece> ScanAsync(NodeAddress peer, ChangeScan scan, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var call = Open();
        await using var stream = new GrpcPeerStream<ChangePiece, ChangePiece, W.ChangePiece, W.ChangePiece>(peer, null!, call.ResponseStream, WireChanges.ToWire, WireChanges.ToDomain, null);
        while (await stream.ReceiveAsync(cancellation) is { } piece) yield return piece;

        AsyncServerStreamingCall<W.ChangePiece> Open()
        {
            try
            {
                return ClientOf(peer).Scan(scan.ToWire(self), cancellationToken: cancellation);
            }
            catch (Exception broken) when (GrpcFailures.IsBroken(broken))
            {
                throw GrpcFailures.Translate(peer, broken, cancellation);
            }
        }
    }

    private W.Changes.ChangesClient ClientOf(NodeAddress peer) => new(channels.To(peer, PeerTraffic.Changes));
}
