using Kv.Common.Identity;

namespace Kv.Node.Requests;

internal enum BatchMethod
{
    Get,
    Put,
    Delete,
}

/// <summary>One operation of a batch; <paramref name="Value"/> is JSON, for PUT.</summary>
internal sealed record BatchOperation(BatchMethod Method, Key Key, ReadOnlyMemory<byte> Value)
{
    public bool IsWrite => Method is not BatchMethod.Get;
}

/// <summary>Why the operations after the last outcome were not done.</summary>
internal enum BatchEnd
{
    /// <summary>All were.</summary>
    Done,

    /// <summary>The last outcome is a failure.</summary>
    Failed,

    /// <summary>There was no time left.</summary>
    OutOfTime,

    /// <summary>What was read fills an answer.</summary>
    AnswerFull,
}

/// <param name="Outcomes">Of the operations that were done, in their order.</param>
/// <param name="End">Why not of all.</param>
/// <param name="Token">The client's past after all of them, sealed.</param>
internal sealed record BatchOutcome(IReadOnlyList<Outcome> Outcomes, BatchEnd End, ReadOnlyMemory<byte> Token);
