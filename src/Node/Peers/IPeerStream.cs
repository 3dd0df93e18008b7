namespace Kv.Node.Peers;

/// <summary>
/// One side of a bidirectional stream between two nodes. Messages arrive complete, in order and at most once, or not at all: a stream that loses one
/// is broken. One sender and one receiver at a time.
/// </summary>
internal interface IPeerStream<in TSend, TReceive> : IAsyncDisposable
    where TReceive : class
{
    /// <summary>Hands a message to the network; completes later when the peer does not keep up. Throws <see cref="PeerUnavailableException"/>.</summary>
    ValueTask SendAsync(TSend message, CancellationToken cancellation);

    /// <summary>The next message, or null when the peer ended the stream. Throws <see cref="PeerUnavailableException"/> when it broke.</summary>
    ValueTask<TReceive?> ReceiveAsync(CancellationToken cancellation);
}
