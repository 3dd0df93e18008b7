namespace Kv.Node.Requests;

/// <summary>The moment after which an answer is of no use, on the monotonic clock.</summary>
internal readonly record struct Deadline(long Timestamp)
{
    public static Deadline In(TimeSpan budget, TimeProvider time) =>
        new(time.GetTimestamp() + (long)(budget.TotalSeconds * time.TimestampFrequency));

    /// <summary>Never negative.</summary>
    public TimeSpan Remaining(TimeProvider time)
    {
        var left = time.GetElapsedTime(time.GetTimestamp(), Timestamp);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left;
    }

    public Deadline Earlier(Deadline other) => Timestamp <= other.Timestamp ? this : other;
}
