using System.Collections.Immutable;

namespace Kv.Common.Consensus;

/// <summary>
/// One attempt of one proposer to decide the epoch after its parent (Lamport, "Paxos Made Simple", 2001): prepare at every acceptor of the parent, and after
/// a quorum of promises accept, with the value of the highest ballot among those promises, or else its own. An immutable state machine: the caller sends
/// prepare while it is <see cref="AttemptPhase.Preparing"/> and accept of <see cref="Value"/> while <see cref="AttemptPhase.Accepting"/>, as often as it
/// likes, and feeds it the replies. Repeated, late and foreign replies change nothing. At most one value is ever chosen for an epoch, whatever is lost.
/// </summary>
public sealed record ProposerAttempt<T>
    where T : class, IEpochValue
{
    private Tally _tally;
    private Ballot _foundAt;
    private T? _found;

    internal ProposerAttempt(T parent, Ballot ballot, T? mine)
    {
        Parent = parent;
        Ballot = ballot;
        Mine = mine;
        HighestSeen = ballot;
        _tally = Tally.Of(parent.Acceptors);
    }

    public T Parent { get; }

    public Ballot Ballot { get; }

    /// <summary>What the proposer would have decided; null for a reader, which only finishes what it finds.</summary>
    public T? Mine { get; }

    public AttemptPhase Phase { get; private init; }

    /// <summary>What phase 2 carries, and what is chosen once it is; null for a reader that has found nothing. Not settled while preparing.</summary>
    public T? Value => _found ?? Mine;

    /// <summary>The highest ballot heard of: the next attempt goes above it.</summary>
    public Ballot HighestSeen { get; private init; }

    /// <summary>What made the attempt <see cref="AttemptPhase.Behind"/>.</summary>
    public T? Newer { get; private init; }

    /// <summary>What made the attempt <see cref="AttemptPhase.Conflicting"/>.</summary>
    public Conflict? Conflict { get; private init; }

    /// <summary>The acceptors that have not given their promise or vote in this phase; of an attempt that found no quorum, who is missing.</summary>
    public ImmutableArray<Acceptor> Missing => _tally.Missing;

    /// <summary>The attempt after a reply; the same object when the reply changes nothing.</summary>
    public ProposerAttempt<T> On(AcceptorReply<T> reply)
    {
        if (reply.Ballot != Ballot || Phase > AttemptPhase.Accepting) return this;
        return reply switch
        {
            Promise<T> promise when Phase == AttemptPhase.Preparing => OnPromise(promise),
            Vote<T> vote when Phase == AttemptPhase.Accepting && vote.Digest == Value!.Digest => OnVote(vote),
            Outbid<T> { Promised: var promised } when promised > Ballot => this with { Phase = AttemptPhase.Rejected, HighestSeen = promised },
            ProposerBehind<T> { Newer: var newer } when newer.Epoch > Parent.Epoch => this with { Phase = AttemptPhase.Behind, Newer = newer },
            Conflicting<T> { Conflict: var conflict } => this with { Phase = AttemptPhase.Conflicting, Conflict = conflict },
            _ => this,
        };
    }

    private ProposerAttempt<T> OnPromise(Promise<T> promise)
    {
        var tally = _tally.With(promise.From);
        if (tally == _tally) return this;
        var next = this with { _tally = tally };
        if (promise.Accepted is not null && promise.AcceptedAt > _foundAt) next = next with { _foundAt = promise.AcceptedAt, _found = promise.Accepted };
        if (!tally.IsQuorum) return next;
        if (next.Value is null) return next with { Phase = AttemptPhase.NothingPending };
        return next with { Phase = AttemptPhase.Accepting, _tally = Tally.Of(Parent.Acceptors) };
    }

    private ProposerAttempt<T> OnVote(Vote<T> vote)
    {
        var tally = _tally.With(vote.From);
        if (tally == _tally) return this;
        return this with { _tally = tally, Phase = tally.IsQuorum ? AttemptPhase.Chosen : Phase };
    }
}

/// <summary>Begins attempts.</summary>
public static class ProposerAttempt
{
    /// <summary>
    /// An attempt to decide the epoch after <paramref name="parent"/>, which the caller knows to be decided. The ballot is from this proposer's
    /// <see cref="BallotSource"/> and used for this attempt only. Without a value of its own (<paramref name="mine"/> is null) it reads the latest: it ends
    /// as chosen with the value it found and finished, or as <see cref="AttemptPhase.NothingPending"/>, and then nothing was chosen before it began.
    /// Throws <see cref="ArgumentException"/> when <paramref name="mine"/> cannot follow the parent.
    /// </summary>
    public static ProposerAttempt<T> Start<T>(T parent, Ballot ballot, T? mine)
        where T : class, IEpochValue
    {
        if (ballot.IsNone) throw new ArgumentException("An attempt has a ballot.", nameof(ballot));
        if (mine is not null) EpochValues.RequireSuccessor(parent, mine);
        return new(parent, ballot, mine);
    }
}
