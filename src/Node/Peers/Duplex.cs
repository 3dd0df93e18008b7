namespace Kv.Node.Peers;

/// <summary>Runs the two halves of a stream side by side.</summary>
internal static class Duplex
{
    /// <summary>
    /// Whichever half ends first ends the other: a stream that cannot be read is not written to. Completes when both have ended, as the first one did.
    /// </summary>
    public static async Task RunAsync(Func<CancellationToken, Task> half, Func<CancellationToken, Task> otherHalf, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var one = half(either.Token);
        var other = otherHalf(either.Token);
        var first = await Task.WhenAny(one, other);
        either.Cancel();
        try
        {
            await (first == one ? other : one);
        }
        catch (Exception broken) when (broken is OperationCanceledException or PeerUnavailableException)
        {
            // It was ended, or broke together with the first.
        }

        await first;
    }
}
