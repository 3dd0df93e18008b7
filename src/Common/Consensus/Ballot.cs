using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// The number of one attempt, in a total order: by round, then by proposer. No ballot is ever used for two attempts (<see cref="BallotSource"/>). Zero is
/// no ballot and below all others. (Proposal number in Lamport, "Paxos Made Simple", 2001.)
/// </summary>
public readonly record struct Ballot(ulong Round, Incarnation Proposer) : IComparable<Ballot>
{
    public static readonly Ballot None;

    public bool IsNone => this == None;

    public int CompareTo(Ballot other) => Round != other.Round ? Round.CompareTo(other.Round) : Proposer.CompareTo(other.Proposer);

    public static bool operator <(Ballot left, Ballot right) => left.CompareTo(right) < 0;
    public static bool operator >(Ballot left, Ballot right) => left.CompareTo(right) > 0;
    public static bool operator <=(Ballot left, Ballot right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Ballot left, Ballot right) => left.CompareTo(right) >= 0;

    /// <summary>As in <c>3.1 of 00000000000000a1</c>: counter, boot, proposer.</summary>
    public override string ToString() => IsNone ? "none" : $"{Round >> 32}.{(uint)Round} of {Proposer}";
}
