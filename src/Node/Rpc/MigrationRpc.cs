using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Peers.Wire;
using Kv.Node.Signals;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of those who are being filled.</summary>
internal sealed class MigrationRpc(NodeIdentity self, Published<ClusterTopology> topology, RangeSender sender, IHostApplicationLifetime lifetime)
    : W.Migration.MigrationBase
{
    public override Task Transfer(W.TransferRequest request, IServerStreamWriter<W.TransferPiece> responses, ServerCallContext context) =>
        RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            RpcFailures.Admit(request.Sender, self, topology.Current);
            var wanted = RpcFailures.Reading(request.ToDomain);
            try
            {
                await foreach (var piece in sender.SendAsync(wanted, end)) await responses.WriteAsync(piece.ToWire(), end);
            }
            catch (TransferRefusedException refused)
            {
                throw new RpcException(new(StatusCode.FailedPrecondition, refused.Message));
            }
        });
}
