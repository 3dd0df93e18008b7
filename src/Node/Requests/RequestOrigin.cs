using Kv.Common.Identity;

namespace Kv.Node.Requests;

/// <summary>Where a request came in, and until when its answer is of use.</summary>
/// <param name="MayForward">False when another node forwarded it: it is not forwarded twice.</param>
/// <param name="PastDeadline">
/// Until when it waits for what its client has seen: for the topology first, and then for the writes. One bound for both: who waited for the one has that
/// much less time for the other.
/// </param>
/// <param name="Epoch">The topology by which it was sent here; this node serves it by no older one.</param>
internal readonly record struct RequestOrigin(bool MayForward, Deadline Deadline, Deadline PastDeadline, Epoch Epoch)
{
    public static RequestOrigin Client(RequestOptions options, TimeProvider time) =>
        new(true, Deadline.In(options.CausalWait + options.WriteConcernWait, time), Deadline.In(options.CausalWait, time), default);

    /// <param name="timeout">How long the forwarding node waits.</param>
    public static RequestOrigin Peer(TimeSpan timeout, Epoch epoch, RequestOptions options, TimeProvider time)
    {
        var client = Client(options, time);
        var deadline = Deadline.In(timeout, time);
        return new(false, deadline.Earlier(client.Deadline), deadline.Earlier(client.PastDeadline), epoch);
    }
}
