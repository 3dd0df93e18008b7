using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>The answer to a hello, sent after what it says is durable: a closed set.</summary>
public abstract record HelloReply
{
    private HelloReply()
    {
    }

    /// <summary>You are the first incarnation I have heard of at your address, now or before.</summary>
    public sealed record Recorded : HelloReply;

    /// <summary>Another incarnation was there first: you lost your data and have to be admitted as a new member.</summary>
    public sealed record Taken(Incarnation By) : HelloReply;
}
