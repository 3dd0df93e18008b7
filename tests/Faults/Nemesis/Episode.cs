using Kv.Faults.Testbeds;

namespace Kv.Faults.Nemesis;

/// <summary>A disk that was lost, with the incarnation that wrote to it.</summary>
internal sealed record LostDisk(TestNode Node, string Incarnation, long At);

/// <summary>One fault, from when it began to when it was healed, and what was seen meanwhile. Written by the one who brings it about.</summary>
internal sealed class Episode(FaultKind kind, long beganAt)
{
    public FaultKind Kind => kind;

    public long BeganAt => beganAt;

    /// <summary>When nothing stood in the way of the cluster any more; nodes may still have been starting.</summary>
    public long HealedAt { get; set; }

    /// <summary>Whom it hit, and how hard.</summary>
    public string What { get; set; } = "";

    /// <summary>From the fault until the node was in nobody's view any more. Null when that did not come.</summary>
    public List<TimeSpan?> Detections { get; } = [];

    /// <summary>What a node did wrong when it was told to stop; null when nothing.</summary>
    public string? Problem { get; set; }

    public List<LostDisk> LostDisks { get; } = [];

    public override string ToString() => $"{FaultNames.Of(kind)}: {What}";
}
