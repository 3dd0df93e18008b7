using Kv.Histories;

namespace Kv.Simulation.Checkers;

/// <summary>
/// In a run without faults, no request fails or waits because the topology changes. Judged once the cluster has formed, and until the run ends.
/// </summary>
internal sealed class PeaceChecker(TimeSpan until)
{
    /// <summary>By then every node has started, and the topology is sealed.</summary>
    public static readonly TimeSpan From = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    public IEnumerable<Violation> Check(ClientHistory history)
    {
        foreach (var operation in history.Operations)
        {
            if (operation.Client == Operation.None || operation.InvokedAt < From.Ticks || operation.ReturnedAt > until.Ticks) continue;
            var took = TimeSpan.FromTicks(operation.ReturnedAt - operation.InvokedAt);
            if (operation.Status is not OperationStatus.Acknowledged && !operation.FoundNothing) yield return new("No failed request because of a change", operation.ToString());
            else if (took > Bound) yield return new("No failed request because of a change", $"{operation} took {took.TotalSeconds:F2} s");
        }
    }
}
