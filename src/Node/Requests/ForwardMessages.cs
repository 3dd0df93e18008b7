using System.Diagnostics;
using Kv.Common.Identity;

namespace Kv.Node.Requests;

/// <summary>The operations that can be forwarded. Values are those of the wire, as far as it knows them.</summary>
internal enum ForwardedOperation
{
    Get = 1,
    Put = 2,
    Delete = 3,
    CountKeys = 4,

    /// <summary>Travels as a GET with a listing.</summary>
    List = 5,
}

/// <summary>A request on its way to a replica of the key's shard.</summary>
/// <param name="Id">Pairs the reply with it; unique among the unanswered requests of one stream.</param>
/// <param name="Epoch">The topology it was routed by.</param>
/// <param name="SealedToken">The client's token as it came; the far side verifies it again.</param>
/// <param name="Timeout">How long the answer is still of use.</param>
internal sealed record ForwardRequest(
    ulong Id,
    Epoch Epoch,
    ForwardedOperation Operation,
    Key Key,
    ReadOnlyMemory<byte> Value,
    ReadOnlyMemory<byte> SealedToken,
    WriteConcernLevel Concern,
    TimeSpan Timeout,
    ShardId Shard)
{
    /// <summary>What is to be listed, when it is that.</summary>
    public Listing? Listing { get; init; }

    /// <summary>The span of the forwarding node; default when the request is not traced.</summary>
    public ActivityContext Trace { get; init; }

    /// <summary>About what it takes on the wire, bytes.</summary>
    public int Size => Value.Length + SealedToken.Length;
}

internal sealed record ForwardReply(ulong Id, Outcome Outcome)
{
    /// <summary>About what it takes on the wire, bytes.</summary>
    public int Size => Outcome switch
    {
        Outcome.Found found => found.Value.Length + found.Token.Length + found.Version.Length,
        Outcome.Listed listed => listed.Keys.Sum(key => key.Size),
        _ => 0,
    };
}

/// <summary>Everything that was queued for a peer when its stream could take more.</summary>
internal sealed record ForwardBatch(IReadOnlyList<ForwardRequest> Requests)
{
    public const int MaxRequests = 256;

    /// <summary>A batch ends once its values and tokens reach this, bytes; the last one may exceed it. Far below what a message may be.</summary>
    public const int MaxBytes = 1 << 20;
}

internal sealed record ForwardReplyBatch(IReadOnlyList<ForwardReply> Replies);
