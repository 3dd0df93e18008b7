using Kv.Common.Consensus;

namespace Kv.Common.Tests.Consensus;

/// <summary>
/// What the <see cref="Explorer"/> explores: who takes part, what may go wrong, and the functions under test, which a mutant replaces.
/// </summary>
internal sealed record Model
{
    public required int Acceptors { get; init; }

    /// <summary>At most two proposers' attempts in order: the round of its ballot, and what each would have decided (null: it only reads).</summary>
    public required (ulong Round, string? Value)[][] Attempts { get; init; }

    /// <summary>How many acceptors may lose their disks, each at any moment, and come back as others.</summary>
    public int LostDisks { get; init; }

    /// <summary>Starts from the provisional topology: nodes say hello, and vote when they are established.</summary>
    public bool IsSeal { get; init; }

    /// <summary>Mutant: replies leave before the state is durable, and one crash may take an acceptor back to what is.</summary>
    public bool RepliesEarly { get; init; }

    /// <summary>Mutant: who lost a disk still goes by the old incarnation.</summary>
    public bool LostKeepIdentity { get; init; }

    public Func<AcceptorState<Document>, Document, Ballot, (AcceptorState<Document>, AcceptorReply<Document>)> Prepare { get; init; } = AcceptorCore.Prepare;

    public Func<AcceptorState<Document>, Document, Ballot, Document, (AcceptorState<Document>, AcceptorReply<Document>)> Accept { get; init; } =
        AcceptorCore.Accept;

    public Func<ProposerAttempt<Document>, AcceptorReply<Document>, ProposerAttempt<Document>> On { get; init; } = (attempt, reply) => attempt.On(reply);
}
