using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Requests;

/// <summary>How many replicas must hold a write durably before it is acknowledged. Values are those of the wire.</summary>
internal enum WriteConcernLevel
{
    /// <summary>A majority, but not waiting for members that the failure detector holds unreachable.</summary>
    Default = 0,

    /// <summary>The coordinating replica alone.</summary>
    Local = 1,

    /// <summary>A majority of the shard's members, reachable or not.</summary>
    Majority = 2,

    /// <summary>Every member of the shard.</summary>
    All = 3,
}

/// <summary>A client's token, verified, together with the sealed bytes it came in; those travel on when the request is forwarded.</summary>
internal sealed record PresentedToken(CausalToken Token, ReadOnlyMemory<byte> Sealed)
{
    public static readonly PresentedToken None = new(CausalToken.None, default);
}

/// <summary>What a client asks for, parsed and checked; what the door could refuse by itself never becomes a command.</summary>
internal abstract record Command(PresentedToken Token);

internal sealed record GetCommand(Key Key, PresentedToken Token) : Command(Token);

internal abstract record WriteCommand(Key Key, PresentedToken Token, WriteConcernLevel Concern) : Command(Token);

/// <param name="Value">JSON as the client sent it.</param>
internal sealed record PutCommand(Key Key, ReadOnlyMemory<byte> Value, PresentedToken Token, WriteConcernLevel Concern) : WriteCommand(Key, Token, Concern);

internal sealed record DeleteCommand(Key Key, PresentedToken Token, WriteConcernLevel Concern) : WriteCommand(Key, Token, Concern);

/// <summary>Asks a shard for a piece of its keys, in ring order.</summary>
internal sealed record ListCommand(ShardId Shard, Listing Listing, PresentedToken Token) : Command(Token);

/// <summary>Asks for the number of live keys of a shard.</summary>
internal sealed record CountKeysCommand(ShardId Shard, PresentedToken Token) : Command(Token);
