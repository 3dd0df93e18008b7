using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Changes;
using Kv.Node.Peers.Wire;
using Kv.Node.Signals;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of the nodes that serve feeds.</summary>
internal sealed class ChangesRpc(NodeIdentity self, Published<ClusterTopology> topology, ChangeSource source, IHostApplicationLifetime lifetime) : W.Changes.ChangesBase
{
    public override async Task<W.ChangeAnswer> Ask(W.ChangeQuestion request, ServerCallContext context)
    {
        var answer = new W.ChangeAnswer();
        await RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            RpcFailures.Admit(request.Sender, self, topology.Current);
            answer = (await source.AnswerAsync(RpcFailures.Reading(request.ToDomain), end)).ToWire();
        });
        return answer;
    }

    public override Task Scan(W.ChangeScan request, IServerStreamWriter<W.ChangePiece> responses, ServerCallContext context) =>
        RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            RpcFailures.Admit(request.Sender, self, topology.Current);
            await foreach (var piece in source.ScanAsync(RpcFailures.Reading(request.ToDomain), end)) await responses.WriteAsync(piece.ToWire(), end);
        });
}
