using System.Collections.Immutable;

namespace Kv.Common.Consensus;

/// <summary>
/// Holds back the acknowledgement of a chosen value until a majority of its own acceptors hold it durably. The parent's acceptors chose it, but they may
/// be gone the moment they are no longer needed: were the proposer the only one to know the new epoch and were it lost, nobody could go on from it, and
/// an acknowledged change would be gone. After the barrier every quorum that can decide the next epoch has one who knows this one. (The reconfiguration
/// rule of Lamport, Malkhi, Zhou, "Reconfiguring a State Machine", 2010: hand over before the old configuration may stop.) Immutable.
/// </summary>
public sealed record LearnBarrier<T>
    where T : class, IEpochValue
{
    private Tally _holders;

    /// <param name="value">A chosen value.</param>
    public LearnBarrier(T value)
    {
        Value = value;
        _holders = Tally.Of(value.Acceptors);
    }

    public T Value { get; }

    /// <summary>True when the change may be acknowledged.</summary>
    public bool IsDone => _holders.IsQuorum;

    /// <summary>The acceptors that have not confirmed.</summary>
    public ImmutableArray<Acceptor> Missing => _holders.Missing;

    /// <summary>That node holds the value, or one of a later epoch, and it is durable there. Repeated confirmations and those of others do not count.</summary>
    public LearnBarrier<T> Confirm(Acceptor holder) => this with { _holders = _holders.With(holder) };
}
