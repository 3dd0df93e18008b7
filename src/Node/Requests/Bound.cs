namespace Kv.Node.Requests;

/// <summary>Counts what is in use of something that there is only so much of. Whoever finds nothing left is told at once and never waits.</summary>
internal sealed class Bound(long limit)
{
    private long _used;

    public long Used => Volatile.Read(ref _used);

    public bool IsFull => Used >= limit;

    /// <summary>Takes so many, or none.</summary>
    public bool TryTake(long amount)
    {
        if (Interlocked.Add(ref _used, amount) <= limit) return true;
        Give(amount);
        return false;
    }

    public void Give(long amount) => Interlocked.Add(ref _used, -amount);
}
