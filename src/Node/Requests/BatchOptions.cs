namespace Kv.Node.Requests;

/// <summary>What a batch of operations may be. Its body counts as any other: <c>Requests:MaxBodyBytes</c>. Section <c>Batch</c>.</summary>
internal sealed class BatchOptions
{
    /// <summary>Most operations.</summary>
    public int MaxOperations { get; set; } = 100;

    /// <summary>No further operation is done when the values read and the tokens come to this, bytes. 4 MiB.</summary>
    public int MaxAnswerBytes { get; set; } = 4 << 20;

    /// <summary>No further operation is begun after so long, and one that is under way waits no longer.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    public IEnumerable<string> Validate()
    {
        if (MaxOperations is < 1 or > 10_000) yield return "Batch:MaxOperations must be 1 to 10000.";
        if (MaxAnswerBytes is < 1024 or > 64 << 20) yield return "Batch:MaxAnswerBytes must be 1 KiB to 64 MiB.";
        if (Timeout <= TimeSpan.Zero || Timeout > TimeSpan.FromMinutes(10)) yield return "Batch:Timeout must be more than zero and at most ten minutes.";
    }
}
