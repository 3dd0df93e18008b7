using Kv.Node.Scrub;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Checkers;

/// <summary>Replicas do not come apart: what compares them in the background never finds anything.</summary>
internal sealed class ScrubWatch(SimCluster cluster)
{
    private long _passes;

    /// <summary>Looks at every node as it is now.</summary>
    public void Look()
    {
        foreach (var node in cluster.Running)
        {
            var report = node.Services!.GetRequiredService<ScrubProgress>().Report();
            if (report.Findings is [var finding, ..]) cluster.Violations.Add("Replicas do not come apart", $"{node.Address} has found {finding}");
            _passes = Math.Max(_passes, report.Passes);
        }
    }

    /// <summary>Counts a run in which a node was gone through, for the figures.</summary>
    public void Count()
    {
        if (_passes > 0) cluster.Count("Scrubbed");
    }
}
