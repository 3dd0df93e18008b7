namespace Kv.Simulation.Faults;

/// <summary>One planned fault. What exactly it hits follows from its own seed, so that leaving another fault out does not change it.</summary>
internal sealed record Fault(FaultKind Kind, TimeSpan At, TimeSpan Duration, int Seed)
{
    public override string ToString() => $"{Kind} at {At.TotalSeconds:F3} s for {Duration.TotalSeconds:F3} s (seed {Seed})";
}
