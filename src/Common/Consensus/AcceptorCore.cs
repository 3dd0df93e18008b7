using System.Collections.Immutable;

namespace Kv.Common.Consensus;

/// <summary>
/// The acceptor of single-decree Paxos (Lamport, "Paxos Made Simple", 2001), one instance per epoch: the acceptors named by the value of an epoch decide
/// the next one. A calculation: the caller makes the new state durable first and sends the reply after. A reply sent earlier is a vote that a crash can
/// take back, and two values can then be chosen. Requests may be lost, repeated and reordered.
/// The parent that a request carries is decided, or its proposer could not have built on it: an acceptor that is behind learns it.
/// </summary>
public static class AcceptorCore
{
    /// <summary>
    /// Phase 1: promises to vote for nothing below <paramref name="ballot"/> and tells the last vote, unless a higher ballot was promised. Throws
    /// <see cref="ArgumentException"/> for no ballot.
    /// </summary>
    public static (AcceptorState<T> State, AcceptorReply<T> Reply) Prepare<T>(AcceptorState<T> state, T parent, Ballot ballot)
        where T : class, IEpochValue
    {
        if (Refusal(ref state, parent, ballot) is { } refusal) return (state, refusal);
        if (ballot > state.Promised) state = state with { Promised = ballot };
        return (state, new Promise<T>(state.Self, ballot, state.AcceptedAt, state.Accepted));
    }

    /// <summary>
    /// Phase 2: votes for <paramref name="value"/>, unless a higher ballot was promised. Throws <see cref="ArgumentException"/> when the value cannot follow
    /// the parent, and <see cref="InvalidOperationException"/> when this acceptor has voted for another value at this very ballot: its proposer used
    /// the ballot twice.
    /// </summary>
    public static (AcceptorState<T> State, AcceptorReply<T> Reply) Accept<T>(AcceptorState<T> state, T parent, Ballot ballot, T value)
        where T : class, IEpochValue
    {
        EpochValues.RequireSuccessor(parent, value);
        if (Refusal(ref state, parent, ballot) is { } refusal) return (state, refusal);
        if (state.AcceptedAt == ballot)
        {
            if (state.Accepted!.Digest != value.Digest)
                throw new InvalidOperationException($"Ballot {ballot} was used for the values {state.Accepted.Digest:x16} and {value.Digest:x16}.");
        }
        else
        {
            state = state with { Promised = ballot, AcceptedAt = ballot, Accepted = value };
        }

        return (state, new Vote<T>(state.Self, ballot, value.Digest));
    }

    /// <summary>Learns the parent where that is news; then the reason not to serve the request, or null.</summary>
    private static AcceptorReply<T>? Refusal<T>(ref AcceptorState<T> state, T parent, Ballot ballot)
        where T : class, IEpochValue
    {
        if (ballot.IsNone) throw new ArgumentException("An attempt has a ballot.", nameof(ballot));
        var self = state.Self;
        if (Conflict.Between(state.Chosen, parent) is { } conflict) return new Conflicting<T>(self, ballot, conflict);
        state = state.Learn(parent);
        if (state.Chosen.Epoch > parent.Epoch) return new ProposerBehind<T>(self, ballot, state.Chosen);
        if (EntryOf(parent.Acceptors, self) is not { } entry) return new NotAnAcceptor<T>(self, ballot);
        if (entry.Incarnation.IsNone && !state.IsEstablished) return new NotEstablished<T>(self, ballot);
        if (ballot < state.Promised) return new Outbid<T>(self, ballot, state.Promised);
        return null;
    }

    private static Acceptor? EntryOf(ImmutableArray<Acceptor> acceptors, Acceptor self)
    {
        foreach (var entry in acceptors)
        {
            if (entry.StandsFor(self)) return entry;
        }

        return null;
    }
}
