namespace Kv.Node.Replica;

/// <summary>
/// Tells a burst from a queue that stands: CoDel's test (Nichols and Jacobson, "Controlling Queue Delay", 2012). What waits long once is a burst; when for a
/// whole interval nothing was taken that had waited less than the target, more comes in than gets done, and whoever comes then only waits in vain. A queue
/// that one group commit empties is none, however slow the disk is. Told by the writer alone; asked by anybody.
/// </summary>
internal sealed class QueueDelay(TimeSpan target, TimeSpan interval, TimeProvider time)
{
    private long? _longSince;
    private volatile bool _isStanding;

    /// <summary>True while further work is better refused.</summary>
    public bool IsStanding => _isStanding;

    /// <summary>The moment at which something is put into the queue.</summary>
    public long Now => time.GetTimestamp();

    /// <summary>Something is taken out that was put in at <paramref name="since"/>.</summary>
    public void Taken(long since)
    {
        if (time.GetElapsedTime(since) < target)
        {
            Emptied();
            return;
        }

        _longSince ??= Now;
        if (time.GetElapsedTime(_longSince.Value) >= interval) _isStanding = true;
    }

    /// <summary>Nothing waits any more.</summary>
    public void Emptied()
    {
        _longSince = null;
        _isStanding = false;
    }
}
