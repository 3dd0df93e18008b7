namespace Kv.Node.Requests;

/// <summary>Where a request came in, and until when its answer is of use.</summary>
/// <param name="MayForward">False when another node forwarded it: it is not forwarded twice.</param>
internal readonly record struct RequestOrigin(bool MayForward, Deadline Deadline)
{
    public static RequestOrigin Client(RequestOptions options, TimeProvider time) =>
        new(true, Deadline.In(options.CausalWait + options.WriteConcernWait, time));

    /// <param name="timeout">How long the forwarding node waits.</param>
    public static RequestOrigin Peer(TimeSpan timeout, RequestOptions options, TimeProvider time) =>
        new(false, Deadline.In(timeout, time).Earlier(Client(options, time).Deadline));
}
