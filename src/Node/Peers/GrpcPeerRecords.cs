using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Peers.Wire;
using W = Kv.Wire;

namespace Kv.Node.Peers;

/// <summary>In production: the peers' gRPC door.</summary>
internal sealed class GrpcPeerRecords(PeerChannels channels) : IPeerRecords
{
    public async ValueTask<WriteRecord?> LookUpAsync(NodeAddress peer, Key key, CancellationToken cancellation)
    {
        try
        {
            // A value may be large: with the other requests, not with heartbeats.
            var client = new W.Replication.ReplicationClient(channels.To(peer, PeerTraffic.Forwarding));
            var reply = await client.GetRecordAsync(new W.GetRecordRequest { Key = key.ToString(), AsStored = true }, cancellationToken: cancellation);
            if (!reply.Found) return null;
            // One of a version before this could be asked.
            return reply.Record?.ToDomain() ?? throw new PeerUnavailableException(peer, "it does not show records as they are stored");
        }
        catch (Exception broken) when (GrpcFailures.IsBroken(broken))
        {
            throw GrpcFailures.Translate(peer, broken, cancellation);
        }
    }
}
