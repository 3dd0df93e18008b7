using Kv.Common.Identity;

namespace Kv.Node.Membership;

/// <summary>What the membership loop finds in its mailbox.</summary>
internal abstract record MembershipEvent
{
    private MembershipEvent()
    {
    }

    /// <summary>Time to judge.</summary>
    public sealed record Tick : MembershipEvent
    {
        public static readonly Tick Instance = new();
    }

    /// <summary>A peer was heard.</summary>
    public sealed record Beat(Heartbeat Heartbeat) : MembershipEvent;

    /// <summary>All <paramref name="Witnesses"/> that were asked in <paramref name="Round"/> have answered or run out of time: one hears the suspect, or none does.</summary>
    public sealed record Testimony(NodeAddress Suspect, int Round, int Witnesses, bool Heard) : MembershipEvent;
}
