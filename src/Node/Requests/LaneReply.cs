namespace Kv.Node.Requests;

/// <summary>What became of a request that was handed to a peer.</summary>
internal abstract record LaneReply
{
    private LaneReply()
    {
    }

    internal sealed record Answered(Outcome Outcome) : LaneReply;

    /// <summary>It certainly did not reach the peer: another replica may be tried whatever the operation.</summary>
    internal sealed record NotSent : LaneReply
    {
        public static readonly NotSent Instance = new();
    }

    /// <summary>It may have reached the peer, and no answer came: only an operation that changes nothing may be tried elsewhere.</summary>
    internal sealed record Lost : LaneReply
    {
        public static readonly Lost Instance = new();
    }

    /// <summary>Too many requests wait for this peer already.</summary>
    internal sealed record Full : LaneReply
    {
        public static readonly Full Instance = new();
    }
}
