using System.Threading.Channels;
using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;

namespace Kv.Node.Topology;

/// <summary>
/// Drives one attempt to decide the next topology: asks every acceptor, itself included if it is one, and feeds the answers to the
/// <see cref="ProposerAttempt{T}"/>. Any member, or a node about to become one, may propose.
/// </summary>
internal sealed class TopologyProposer(
    NodeIdentity self, TopologyRegister register, InboundControl own, AcceptorStore store, IPeerTransport transport, TimeProvider time, TopologyOptions options)
{
    private readonly Lock _gate = new();
    private BallotSource? _ballots;

    /// <summary>
    /// One attempt at the epoch after <paramref name="parent"/>, with no value of its own when <paramref name="mine"/> is null. It comes back ended, or
    /// still waiting for those it calls missing when they did not answer in time. What it decided is learned here already, unless it
    /// <see cref="Removes"/> this node. Nobody is asked to vote for its own value when that is not wanted any more; what it found of others it finishes.
    /// </summary>
    public async Task<ProposerAttempt<ClusterTopology>> AttemptAsync(ClusterTopology parent, ClusterTopology? mine, Func<bool> isWanted, Ballot above, CancellationToken cancellation)
    {
        var attempt = ProposerAttempt.Start(parent, await NextBallotAsync(above), mine);
        attempt = await PhaseAsync(attempt, new ControlRequest.Prepare(parent, attempt.Ballot), cancellation);
        if (attempt.Phase is AttemptPhase.Accepting && (!ReferenceEquals(attempt.Value, mine) || isWanted())) attempt = await PhaseAsync(attempt, new ControlRequest.Accept(parent, attempt.Ballot, attempt.Value!), cancellation);
        if (attempt.Phase is AttemptPhase.Chosen && !Removes(attempt)) await register.LearnAsync(attempt.Value!);
        if (attempt.Phase is AttemptPhase.Behind) await register.LearnAsync(attempt.Newer!);
        return attempt;
    }

    /// <summary>True for an attempt that decided a topology of which this node is no member any more.</summary>
    public bool Removes(ProposerAttempt<ClusterTopology> attempt) =>
        attempt.Phase is AttemptPhase.Chosen && attempt.Parent.IsMember(self) && !attempt.Value!.IsMember(self);

    /// <summary>
    /// Makes a majority of a decided topology's own acceptors hold it, so that the change outlives those who decided it; asks until
    /// <paramref name="cancellation"/> and then says who is missing.
    /// </summary>
    public async Task<LearnBarrier<ClusterTopology>> HandOverAsync(ClusterTopology topology, CancellationToken cancellation)
    {
        var barrier = new LearnBarrier<ClusterTopology>(topology);
        while (true)
        {
            await foreach (var (acceptor, reply) in AskAsync(barrier.Missing, new ControlRequest.Learn(topology), cancellation))
            {
                if (reply is ControlReply.Holds holds && holds.Topology.Epoch >= topology.Epoch) barrier = barrier.Confirm(acceptor);
                if (barrier.IsDone) return barrier;
            }

            if (cancellation.IsCancellationRequested) return barrier;
            await PauseAsync(cancellation);
        }
    }

    private async Task<ProposerAttempt<ClusterTopology>> PhaseAsync(ProposerAttempt<ClusterTopology> attempt, ControlRequest request, CancellationToken cancellation)
    {
        var phase = attempt.Phase;
        await foreach (var (_, reply) in AskAsync(attempt.Parent.Acceptors, request, cancellation))
        {
            if (reply is ControlReply.Voted voted) attempt = attempt.On(voted.Reply);
            if (attempt.Phase != phase) break;
        }

        return attempt;
    }

    // The answers as they come, until all are there or the time is up. Who answers vouches for itself by its incarnation.
    private async IAsyncEnumerable<(Acceptor Acceptor, ControlReply Reply)> AskAsync(
        IReadOnlyCollection<Acceptor> acceptors, ControlRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        var replies = Channel.CreateUnbounded<(Acceptor, ControlReply?)>();
        var asked = acceptors.Select(acceptor => AskOneAsync(acceptor, request, replies.Writer, either.Token)).ToList();
        try
        {
            for (var answered = 0; answered < asked.Count; answered++)
            {
                var (acceptor, reply) = await replies.Reader.ReadAsync(CancellationToken.None);
                if (reply is not null) yield return (acceptor, reply);
            }
        }
        finally
        {
            // Whoever was satisfied earlier does not wait for the rest.
            either.Cancel();
            await Task.WhenAll(asked);
        }
    }

    private async Task AskOneAsync(Acceptor acceptor, ControlRequest request, ChannelWriter<(Acceptor, ControlReply?)> replies, CancellationToken cancellation)
    {
        ControlReply? reply = null;
        try
        {
            reply = acceptor.Address.Equals(self.Address) ? await own.AnswerAsync(self, request) : await transport.CallAsync(acceptor.Address, request, cancellation);
        }
        catch (Exception unanswered) when (unanswered is PeerUnavailableException or OperationCanceledException)
        {
            // The second also when this node's own register has ended, because the node stops.
        }
        finally
        {
            // Whatever becomes of the call, whoever waits for the answers must not wait for this one.
            replies.TryWrite((WhoAnswered(reply, acceptor), reply));
        }
    }

    // Another incarnation may be at the address by now.
    private static Acceptor WhoAnswered(ControlReply? reply, Acceptor asked) => reply switch
    {
        ControlReply.Holds holds => new Acceptor(holds.From.Address, holds.From.Incarnation),
        ControlReply.Voted voted => voted.Reply.From,
        _ => asked,
    };

    private async Task PauseAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(options.RetryMax, time, cancellation);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async ValueTask<Ballot> NextBallotAsync(Ballot above)
    {
        BallotSource? ballots;
        lock (_gate) ballots = _ballots;
        if (ballots is null)
        {
            // Two attempts at the very start may both count a boot; the first source made is the one that is used.
            var counted = new BallotSource(await store.CountBootAsync(), self.Incarnation);
            lock (_gate) ballots = _ballots ??= counted;
        }

        lock (_gate) return ballots.Next(above);
    }
}
