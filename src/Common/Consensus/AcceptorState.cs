namespace Kv.Common.Consensus;

/// <summary>
/// All that an acceptor must not forget. One instance at a time: of the epoch after <see cref="Chosen"/>. Immutable; its owner makes each new state
/// durable before anything that follows from it leaves the node (<see cref="AcceptorCore"/>).
/// </summary>
/// <param name="Self">Who votes; its incarnation is not none.</param>
/// <param name="Chosen">The newest value this acceptor knows to be decided.</param>
/// <param name="Promised">No ballot below this one is voted for; none at first.</param>
/// <param name="AcceptedAt">The ballot of the last vote; none while there is none.</param>
/// <param name="Accepted">The value voted for at <see cref="AcceptedAt"/>.</param>
/// <param name="IsEstablished">True once it may vote as the one at its address (<see cref="Establishment"/>).</param>
public sealed record AcceptorState<T>(Acceptor Self, T Chosen, Ballot Promised, Ballot AcceptedAt, T? Accepted, bool IsEstablished)
    where T : class, IEpochValue
{
    /// <summary>An acceptor that has voted for nothing and is not established. Only for an incarnation that has just been made.</summary>
    public AcceptorState(Acceptor self, T known)
        : this(self, known, Ballot.None, Ballot.None, null, false)
    {
        if (self.Incarnation.IsNone) throw new ArgumentException("An acceptor votes as an incarnation.", nameof(self));
    }

    /// <summary>
    /// Takes in a value known to be decided. What was promised and accepted for an epoch that is decided is of no further use; older values change nothing.
    /// Throws <see cref="InvalidOperationException"/> naming both digests when the value is a <see cref="Conflict"/>.
    /// </summary>
    public AcceptorState<T> Learn(T newer)
    {
        if (Conflict.Between(Chosen, newer) is { } conflict) throw new InvalidOperationException(conflict.ToString());
        return newer.Epoch > Chosen.Epoch ? new AcceptorState<T>(Self, newer) { IsEstablished = IsEstablished } : this;
    }

    /// <summary>
    /// From now on this acceptor votes as the one at its address. Only when <see cref="Establishment.IsEstablished"/> says so of this incarnation.
    /// </summary>
    public AcceptorState<T> Establish() => IsEstablished ? this : this with { IsEstablished = true };
}
