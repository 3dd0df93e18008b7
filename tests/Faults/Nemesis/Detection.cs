using Kv.Faults.Testbeds;

namespace Kv.Faults.Nemesis;

/// <summary>How long a silent node stays in the views of the others.</summary>
internal sealed class Detection(ITestbed testbed, World world, SuiteClock clock)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Null when some node still sees it after the bound, or nobody could be asked, or it was told to stop.</summary>
    public async Task<TimeSpan?> UntilGoneAsync(TestNode silent, long since, CancellationToken stop)
    {
        while (clock.Since(since) < Bound && !stop.IsCancellationRequested)
        {
            var view = world.Current;
            var observers = testbed.Nodes.Where(node => node != silent && !view.Down.Contains(node.Index) && !HearsNobody(node, view)).ToList();
            if (observers.Count == 0) return null;
            var seen = await Task.WhenAll(observers.Select(node => node.Look.ViewAsync()));
            if (seen.All(members => members.Count > 0 && !members.Contains(silent.Address))) return clock.Since(since);
            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return null;
    }

    private bool HearsNobody(TestNode node, WorldView view) => testbed.Nodes.All(other => other == node || !view.CanExchange(node.Index, other.Index));
}
