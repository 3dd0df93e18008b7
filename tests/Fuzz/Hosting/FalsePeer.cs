using System.Runtime.CompilerServices;
using Kv.Common.Identity;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Topology;
using W = Kv.Wire;

namespace Kv.Fuzz.Hosting;

/// <summary>
/// A peer that answers whatever it was given to say. Its answers are read as the transport reads them: what makes no sense ends the call as a peer that went away does.
/// </summary>
internal sealed class FalsePeer : SilentTransport
{
    private volatile Script _script = new();

    /// <summary>What it says from now on.</summary>
    public Script Says
    {
        get => _script;
        set => _script = value;
    }

    public override ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation)
    {
        if (_script.Forwarding is null) throw Nobody(peer);
        var (near, far) = InMemoryPeerStream<ForwardBatch, ForwardReplyBatch>.CreatePair(FuzzNode.Addresses[0], peer);
        _ = AnswerForwardedAsync(far, cancellation);
        return new(near);
    }

    public override async IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask;
        if (_script.Records is { } bytes) yield return Read(peer, () => W.RecordBatch.Parser.ParseFrom(bytes).ToDomain());
    }

    public override ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation)
    {
        var script = _script;
        return new(request switch
        {
            ControlRequest.Prepare or ControlRequest.Accept when script.Vote is { } vote => Read(peer, () => Voted(vote, request)),
            ControlRequest.Learn or ControlRequest.Read when script.Holds is { } holds => Read(peer, () => W.HoldsReply.Parser.ParseFrom(holds).ToDomain()),
            ControlRequest.Hello when script.Hello is { } hello => Read(peer, () => W.HelloReply.Parser.ParseFrom(hello).ToDomain()),
            _ => throw Nobody(peer),
        });
    }

    // A reply to another ballot is no reply: it says the one it was asked with, half of the time.
    private static ControlReply Voted(byte[] bytes, ControlRequest request)
    {
        var vote = W.VoteReply.Parser.ParseFrom(bytes);
        var ballot = request switch
        {
            ControlRequest.Prepare prepare => prepare.Ballot,
            ControlRequest.Accept accept => accept.Ballot,
            _ => default,
        };
        if (bytes.Length % 2 == 0) vote.Ballot = new() { Round = ballot.Round, Proposer = ballot.Proposer.Value };
        return vote.ToDomain();
    }

    private async Task AnswerForwardedAsync(InMemoryPeerStream<ForwardReplyBatch, ForwardBatch> stream, CancellationToken cancellation)
    {
        try
        {
            while (await stream.ReceiveAsync(cancellation) is { } batch)
            {
                var replies = batch.Requests.Select(request =>
                {
                    var reply = W.ForwardReply.Parser.ParseFrom(_script.Forwarding);
                    reply.Id = request.Id;
                    return reply.ToDomain();
                }).ToList();
                await stream.SendAsync(new(replies), cancellation);
            }
        }
        catch (Exception wrong) when (GrpcFailures.IsBroken(wrong) || wrong is PeerUnavailableException)
        {
            stream.Break();
        }
    }

    private static T Read<T>(NodeAddress peer, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception broken) when (GrpcFailures.IsBroken(broken))
        {
            throw GrpcFailures.Translate(peer, broken, CancellationToken.None);
        }
    }

    /// <summary>The bytes of each kind of answer; null for none at all.</summary>
    internal sealed record Script(byte[]? Forwarding = null, byte[]? Records = null, byte[]? Vote = null, byte[]? Holds = null, byte[]? Hello = null);
}
