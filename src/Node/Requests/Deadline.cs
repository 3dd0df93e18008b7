namespace Kv.Node.Requests;

/// <summary>The moment after which an answer is of no use, on the monotonic clock.</summary>
internal readonly record struct Deadline(long Timestamp)
{
    public static Deadline In(TimeSpan budget, TimeProvider time) => new Deadline(time.GetTimestamp()).Later(budget, time);

    public Deadline Later(TimeSpan by, TimeProvider time) => new(Timestamp + (long)(by.TotalSeconds * time.TimestampFrequency));

    /// <summary>Never negative.</summary>
    public TimeSpan Remaining(TimeProvider time)
    {
        var left = time.GetElapsedTime(time.GetTimestamp(), Timestamp);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left;
    }

    public Deadline Earlier(Deadline other) => Timestamp <= other.Timestamp ? this : other;
}
