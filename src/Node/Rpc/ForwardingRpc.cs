using System.Text.Json;
using System.Text.Unicode;
using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;
using Kv.Node.Requests;
using Kv.Node.Signals;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of forwarded requests.</summary>
internal sealed class ForwardingRpc(NodeIdentity self, Published<ClusterTopology> topology, ForwardedRequests requests, IHostApplicationLifetime lifetime) : W.Forwarding.ForwardingBase
{
    public override Task Exchange(IAsyncStreamReader<W.ForwardBatch> reader, IServerStreamWriter<W.ForwardReplyBatch> writer, ServerCallContext context) =>
        RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            if (!await reader.MoveNext(end)) return;
            var peer = RpcFailures.Admit(reader.Current.Sender, self, topology.Current);
            var stream = new GrpcPeerStream<ForwardReplyBatch, ForwardBatch, W.ForwardReplyBatch, W.ForwardBatch>(
                peer.Address, writer, reader, WireForwarding.ToWire, WireForwarding.ToDomain, null);
            await requests.ServeAsync(stream, end);
        });

    /// <summary>One request by hand. It enters where a forwarded one would, so a node that does not own the key says so.</summary>
    public override async Task<W.ForwardReply> Forward(W.ForwardRequest request, ServerCallContext context)
    {
        // Peers forward what their REST door has checked; people type.
        if (!Utf8.IsValid(request.Key.Span)) throw new RpcException(new(StatusCode.InvalidArgument, "The key is not valid UTF-8."));
        if (request.Operation == W.Operation.Put && !IsJson(request.Value.Span)) throw new RpcException(new(StatusCode.InvalidArgument, "The value is not valid JSON."));
        var parsed = RpcFailures.Reading(request.ToDomain);
        W.ForwardReply? reply = null;
        await RpcFailures.ServeAsync(context, lifetime, async end => reply = (await requests.AnswerAsync(parsed)).ToWire());
        return reply!;
    }

    private static bool IsJson(ReadOnlySpan<byte> value)
    {
        if (!Utf8.IsValid(value)) return false;
        var reader = new Utf8JsonReader(value, new JsonReaderOptions { MaxDepth = 256 });
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
