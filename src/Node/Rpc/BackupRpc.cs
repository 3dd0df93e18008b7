using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Backup;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;
using Kv.Node.Replica;
using Kv.Node.Signals;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of those who make a backup.</summary>
internal sealed class BackupRpc(NodeIdentity self, Published<ClusterTopology> topology, BackupDonor donor, ReplicaState replica, IHostApplicationLifetime lifetime) : W.Backup.BackupBase
{
    public override Task Collect(IAsyncStreamReader<W.BackupRequest> requests, IServerStreamWriter<W.BackupPiece> responses, ServerCallContext context) =>
        RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            if (!await requests.MoveNext(end)) return;
            var peer = RpcFailures.Admit(requests.Current.Sender, self, topology.Current);
            var first = RpcFailures.Reading(requests.Current.ToDomain);
            var stream = new GrpcPeerStream<BackupPiece, BackupRequest, W.BackupPiece, W.BackupRequest>(peer.Address, responses, requests, WireBackup.ToWire, WireBackup.ToDomain, null);
            try
            {
                await donor.ServeAsync(first, stream, end);
            }
            catch (BackupRefusedException refused)
            {
                throw new RpcException(new(StatusCode.FailedPrecondition, refused.Message));
            }
        });

    public override Task<W.BackupDescription> Describe(W.BackupDescribeRequest request, ServerCallContext context)
    {
        var snapshot = replica.Snapshot.Current;
        return Task.FromResult(new W.BackupDescription
        {
            Place = snapshot.Place?.ToString() ?? "",
            Complete = snapshot.IsComplete,
            Vector = snapshot.Vector.ToWire(),
            LiveKeys = (ulong)snapshot.LiveKeys,
            Snapshots = (uint)donor.Snapshots,
        });
    }
}
