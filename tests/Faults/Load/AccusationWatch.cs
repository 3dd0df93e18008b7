using Kv.Faults.Nemesis;
using Kv.Faults.Testbeds;

namespace Kv.Faults.Load;

/// <summary>Looks at the views of nodes to whom nothing was done since the cluster was last whole: each must have all others of those, whatever befalls the rest.</summary>
internal sealed class AccusationWatch(ITestbed testbed, World world, SuiteClock clock)
{
    private const int MostExamples = 10;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly List<string> _examples = [];

    /// <summary>How many views were looked at.</summary>
    public int Looks { get; private set; }

    /// <summary>In how many of them somebody was missing to whom nothing was done.</summary>
    public int Accusations { get; private set; }

    public IReadOnlyList<string> Examples => _examples;

    public async Task RunAsync(CancellationToken stop)
    {
        for (var turn = 0; !stop.IsCancellationRequested; turn++)
        {
            await LookAsync(testbed.Nodes[turn % testbed.Nodes.Count]);
            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LookAsync(TestNode node)
    {
        if (world.Current.Touched.Contains(node.Index)) return;
        var view = await node.Look.ViewAsync();
        var touched = world.Current.Touched;
        if (view.Count == 0 || touched.Contains(node.Index)) return;
        Looks++;
        var missing = testbed.Nodes.Where(other => !touched.Contains(other.Index) && !view.Contains(other.Address)).ToList();
        if (missing.Count == 0) return;
        Accusations++;
        if (_examples.Count < MostExamples) _examples.Add($"{TimeSpan.FromTicks(clock.Now):hh\\:mm\\:ss\\.f} {node} does not see {string.Join(", ", missing)}");
    }
}
