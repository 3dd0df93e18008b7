namespace Kv.Node.Scrub;

/// <summary>How replicas are compared in the background. Section <c>Scrub</c>.</summary>
internal sealed class ScrubOptions
{
    /// <summary>How long this node takes, at least, to go through all it holds and compare it with the other members of its shard; 0 to leave it.</summary>
    public TimeSpan Period { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The same while members that hold the same writes say that what they hold is not the same.</summary>
    public TimeSpan HurriedPeriod { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How many of the 4096 arcs of the ring are compared at a time.</summary>
    public int ArcsPerStep { get; set; } = 16;

    public IEnumerable<string> Validate()
    {
        if (Period < TimeSpan.Zero) yield return "Scrub:Period must not be negative.";
        if (HurriedPeriod <= TimeSpan.Zero) yield return "Scrub:HurriedPeriod must be more than zero.";
        if (ArcsPerStep is < 1 or > 1024) yield return "Scrub:ArcsPerStep must be 1 to 1024.";
    }
}
