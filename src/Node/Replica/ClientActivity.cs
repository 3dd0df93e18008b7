namespace Kv.Node.Replica;

/// <summary>Whether clients are being served here, so that work that can wait yields to them.</summary>
internal sealed class ClientActivity(TimeProvider time)
{
    // Longer than the pauses of a client that asks as soon as it is answered, and short to somebody who waits for a transfer.
    private static readonly TimeSpan Recent = TimeSpan.FromMilliseconds(250);

    // Before the first request none is recent.
    private long _last = time.GetTimestamp() - 2 * (long)(Recent.TotalSeconds * time.TimestampFrequency);

    /// <summary>Whether a request came in a moment ago.</summary>
    public bool IsServing => time.GetElapsedTime(Volatile.Read(ref _last)) <= Recent;

    /// <summary>A client's request is taken up, whether it came here first or was forwarded.</summary>
    public void Serve() => Volatile.Write(ref _last, time.GetTimestamp());
}
