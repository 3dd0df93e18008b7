using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Topology;

namespace Kv.Node.Requests;

/// <summary>What a request to change the membership, or the shards, ends in.</summary>
internal abstract record MembershipOutcome
{
    private MembershipOutcome()
    {
    }

    internal sealed record Done : MembershipOutcome;

    /// <summary>The node is in the view already.</summary>
    internal sealed record AlreadySo : MembershipOutcome;

    /// <summary>No node of this cluster answers there.</summary>
    internal sealed record NobodyAnswers(NodeAddress Address) : MembershipOutcome;

    /// <summary>The rules of the topology say no.</summary>
    internal sealed record Refused(ChangeRefusal Reason) : MembershipOutcome;

    /// <summary>The node serves no more, but nobody holds yet all that it holds; asked again, it goes on.</summary>
    internal sealed record StillHandingOver(NodeAddress Address) : MembershipOutcome;

    /// <summary>The node still lacks some of what its shard holds; it goes on, and asking again waits on.</summary>
    internal sealed record StillJoining(NodeAddress Address) : MembershipOutcome;

    /// <summary>Those who decide could not be brought together; nothing is known to have changed. <paramref name="Missing"/> is empty while the cluster forms.</summary>
    internal sealed record NoQuorum(ImmutableArray<NodeAddress> Missing) : MembershipOutcome;

    /// <summary>It was asked for because of how things stood, and they stand otherwise: nothing has changed.</summary>
    internal sealed record Withdrawn : MembershipOutcome;

    /// <summary>The reshard was given up before it was committed.</summary>
    internal sealed record Cancelled : MembershipOutcome;

    /// <summary>It was begun and has ended, and another one since; how, this node does not know.</summary>
    internal sealed record Overtaken : MembershipOutcome;

    /// <summary>What a change of the topology came to.</summary>
    public static MembershipOutcome Of(ChangeOutcome outcome) => outcome switch
    {
        ChangeOutcome.Done => new Done(),
        ChangeOutcome.Refused { Reason: ChangeRefusal.NotSealed } => new NoQuorum([]),
        ChangeOutcome.Refused refused => new Refused(refused.Reason),
        ChangeOutcome.Withdrawn => new Withdrawn(),
        ChangeOutcome.NoQuorum noQuorum => new NoQuorum([.. noQuorum.Missing.Select(acceptor => acceptor.Address)]),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
