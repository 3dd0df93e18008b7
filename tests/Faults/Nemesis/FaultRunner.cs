using System.Globalization;
using Grpc.Core;
using Kv.Faults.Load;
using Kv.Faults.Testbeds;

namespace Kv.Faults.Nemesis;

/// <summary>Brings planned faults about: begins each, holds it, heals it, and says to the <see cref="World"/> what it does.</summary>
internal sealed class FaultRunner(ITestbed testbed, World world, TopologyWatch topology, Victims victims, SuiteClock clock, Action<LostDisk> diskIsLost)
{
    private static readonly TimeSpan ReadyBound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProbeBound = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly Detection _detection = new(testbed, world, clock);

    /// <summary>
    /// Ends when the fault is healed and its victims say that they are ready. Null when nobody could be made its victim. Told to stop, it heals at once.
    /// </summary>
    public async Task<Episode?> RunAsync(PlannedFault fault, CancellationToken stop)
    {
        var random = new Random(fault.Seed);
        await HoldAsync(fault.After, stop);
        List<TestNode> hit = [];
        if (!TryChoose(fault.Kind, random, hit))
        {
            hit.ForEach(victims.Release);
            return null;
        }

        var name = FaultNames.Of(fault.Kind);
        var episode = new Episode(fault.Kind, clock.Now) { What = string.Join(", ", hit) };
        world.Begin(name);
        try
        {
            await (fault.Kind switch
            {
                FaultKind.Kill => AwayAsync(episode, hit, fault.Hold, nodes => testbed.KillAsync(nodes), stop),
                FaultKind.Stop => AwayAsync(episode, hit, fault.Hold, async nodes => episode.Problem = await testbed.TerminateAsync(nodes[0]), stop),
                FaultKind.PowerCut => AwayAsync(episode, hit, TimeSpan.FromSeconds(1), nodes => testbed.KillAsync(nodes), stop),
                FaultKind.Wipe => WipeAsync(episode, hit[0], fault.Hold, stop),
                FaultKind.TwoWipes => TwoWipesAsync(episode, hit, fault.Hold, stop),
                FaultKind.IsolatedWipe => IsolatedWipeAsync(episode, hit[0], fault.Hold, stop),
                FaultKind.Pause => PauseAsync(episode, hit[0], fault.Hold, stop),
                FaultKind.Isolation or FaultKind.Partition or FaultKind.OneWay or FaultKind.Bridge => CutAsync(episode, hit, fault.Hold, random, stop),
                _ => DegradeAsync(episode, hit[0], fault.Hold, random, stop),
            });
            return episode;
        }
        finally
        {
            world.End(name);
            hit.ForEach(victims.Release);
        }
    }

    private bool TryChoose(FaultKind kind, Random random, List<TestNode> hit)
    {
        switch (kind)
        {
            case FaultKind.PowerCut:
                while (victims.Take(random) is { } any) hit.Add(any);
                return hit.Count == testbed.Nodes.Count;
            case FaultKind.TwoWipes:
                Add(victims.TakeOfShard(random, 2));
                if (hit.Count == 1) Add(victims.TakeOfShard(random, 2, exceptShard: topology.ShardOf(hit[0])?.Id.Value));
                return hit.Count == 2;
            case FaultKind.Wipe or FaultKind.IsolatedWipe:
                Add(victims.TakeOfShard(random, 2));
                return hit.Count == 1;
            case FaultKind.FullDisk:
                Add(victims.Take(random, node => node.Index == ITestbed.SmallDiskNode));
                return hit.Count == 1;
            case FaultKind.Partition or FaultKind.Bridge:
                // Hits everybody, also those that something else is done to.
                return true;
            default:
                Add(victims.Take(random));
                return hit.Count == 1;
        }

        void Add(TestNode? node)
        {
            if (node is not null) hit.Add(node);
        }
    }

    private async Task AwayAsync(Episode episode, List<TestNode> nodes, TimeSpan hold, Func<List<TestNode>, Task> end, CancellationToken stop)
    {
        nodes.ForEach(node => world.TakeDown(node.Index));
        var since = clock.Now;
        await end(nodes);
        var detecting = nodes.Count == 1 ? _detection.UntilGoneAsync(nodes[0], since, stop) : null;
        await HoldAsync(hold, stop);
        if (detecting is not null) episode.Detections.Add(await detecting);
        await testbed.StartAgainAsync(nodes);
        episode.HealedAt = clock.Now;
        await UntilReadyAsync(nodes);
        // When all were away, all have to find each other.
        if (episode.Kind is FaultKind.PowerCut) world.Disturb();
    }

    private async Task WipeAsync(Episode episode, TestNode node, TimeSpan hold, CancellationToken stop)
    {
        var incarnation = await IncarnationAsync(node);
        await AwayAsync(episode, [node], hold, async nodes =>
        {
            await testbed.KillAsync(nodes);
            await testbed.LoseDataAsync(node);
            Lose(episode, node, incarnation);
        }, stop);
    }

    // The second one goes as soon as the first one has been made anew, whether it has its data again or not.
    private async Task TwoWipesAsync(Episode episode, List<TestNode> nodes, TimeSpan hold, CancellationToken stop)
    {
        foreach (var node in nodes)
        {
            var incarnation = await IncarnationAsync(node);
            world.TakeDown(node.Index);
            var since = clock.Now;
            world.Disturb();
            await testbed.KillAsync(node);
            await testbed.LoseDataAsync(node);
            Lose(episode, node, incarnation);
            episode.Detections.Add(await _detection.UntilGoneAsync(node, since, stop));
            await HoldAsync(hold / 4, stop);
            await testbed.StartAgainAsync(node);
        }

        episode.HealedAt = clock.Now;
        await UntilReadyAsync(nodes);
    }

    private async Task IsolatedWipeAsync(Episode episode, TestNode node, TimeSpan hold, CancellationToken stop)
    {
        var incarnation = await IncarnationAsync(node);
        var links = Link.Between([node.Index], AllNodes());
        await using (await BeginCutAsync(links))
        {
            await HoldAsync(hold, stop);
            world.TakeDown(node.Index);
            await testbed.KillAsync(node);
            await testbed.LoseDataAsync(node);
            Lose(episode, node, incarnation);
        }

        await testbed.StartAgainAsync(node);
        episode.HealedAt = clock.Now;
        await UntilReadyAsync([node]);
    }

    private async Task PauseAsync(Episode episode, TestNode node, TimeSpan hold, CancellationToken stop)
    {
        world.TakeDown(node.Index);
        var since = clock.Now;
        await testbed.PauseAsync(node);
        var detecting = _detection.UntilGoneAsync(node, since, stop);
        await HoldAsync(hold, stop);
        episode.Detections.Add(await detecting);
        await testbed.ResumeAsync(node);
        episode.HealedAt = clock.Now;
        await UntilReadyAsync([node]);
    }

    private async Task CutAsync(Episode episode, List<TestNode> hit, TimeSpan hold, Random random, CancellationToken stop)
    {
        var links = Draw(episode, hit, random);
        var since = clock.Now;
        await using (await BeginCutAsync(links))
        {
            var detecting = episode.Kind is FaultKind.Isolation ? _detection.UntilGoneAsync(hit[0], since, stop) : null;
            await HoldAsync(hold, stop);
            if (detecting is not null) episode.Detections.Add(await detecting);
        }

        episode.HealedAt = clock.Now;
    }

    private IReadOnlyList<Link> Draw(Episode episode, List<TestNode> hit, Random random)
    {
        int[] order = [.. AllNodes()];
        random.Shuffle(order);
        switch (episode.Kind)
        {
            case FaultKind.Isolation:
                return Link.Between([hit[0].Index], order);
            case FaultKind.OneWay:
                var isDeaf = random.Next(2) == 0;
                episode.What += isDeaf ? " hears nobody" : " is heard by nobody";
                return [.. order.Where(other => other != hit[0].Index).Select(other => isDeaf ? new Link(other, hit[0].Index) : new Link(hit[0].Index, other))];
            case FaultKind.Partition:
                var first = random.Next(2, order.Length - 1);
                episode.What = $"{Names(order[..first])} | {Names(order[first..])}";
                return Link.Between(order[..first], order[first..]);
            default:
                var half = (order.Length - 1) / 2;
                episode.What = $"{Names(order[1..(1 + half)])} | {Names(order[(1 + half)..])}, {Names(order[..1])} between them";
                return Link.Between(order[1..(1 + half)], order[(1 + half)..]);
        }
    }

    private async Task DegradeAsync(Episode episode, TestNode node, TimeSpan hold, Random random, CancellationToken stop)
    {
        var share = 0.02 + (random.NextDouble() * 0.13);
        var delay = TimeSpan.FromMilliseconds(random.Next(20, 200));
        var bytes = random.Next(32, 256) << 10;
        var writes = random.Next(10, 40);
        world.Touch(node.Index);
        // What a node without room on its disk answers is not judged.
        if (episode.Kind is FaultKind.FullDisk) world.TakeDown(node.Index);
        episode.What += string.Create(CultureInfo.InvariantCulture, $"{episode.Kind switch
        {
            FaultKind.Loss => $" loses {share:P0} of its packets",
            FaultKind.Delay => $" is {delay.TotalMilliseconds:0} ms away",
            FaultKind.Bandwidth => $" sends at most {bytes >> 10} KiB/s",
            FaultKind.SlowDisk => $"'s disk takes {writes} writes a second",
            _ => "'s disk is full",
        }}");
        await using (await (episode.Kind switch
        {
            FaultKind.Loss => testbed.LosePacketsAsync(node, share),
            FaultKind.Delay => testbed.DelayAsync(node, delay),
            FaultKind.Bandwidth => testbed.NarrowAsync(node, bytes),
            FaultKind.SlowDisk => testbed.SlowDiskAsync(node, writes),
            _ => testbed.FillDiskAsync(node),
        }))
        {
            world.Disturb();
            await HoldAsync(hold, stop);
        }

        // Where it ends, connections may break that were led another way.
        if (episode.Kind is FaultKind.Delay) world.Disturb();
        episode.HealedAt = clock.Now;
        await UntilReadyAsync([node]);
    }

    private async Task<IAsyncDisposable> BeginCutAsync(IReadOnlyList<Link> links)
    {
        world.Cut(links);
        var cut = await testbed.CutAsync(links);
        world.Disturb();
        return new Undo(async () =>
        {
            await cut.DisposeAsync();
            world.Mend(links);
        });
    }

    private void Lose(Episode episode, TestNode node, string incarnation)
    {
        var lost = new LostDisk(node, incarnation, clock.Now);
        episode.LostDisks.Add(lost);
        diskIsLost(lost);
    }

    private static async Task<string> IncarnationAsync(TestNode node)
    {
        try
        {
            return (await node.Probe.HoldingsAsync(ProbeBound)).Incarnation;
        }
        catch (RpcException)
        {
            return "unknown";
        }
    }

    private async Task UntilReadyAsync(List<TestNode> nodes)
    {
        var since = clock.Now;
        foreach (var node in nodes)
        {
            // Who is not ready by then is found out when the round ends.
            while (clock.Since(since) < ReadyBound && await node.Look.TryAsync(client => client.GetPathAsync("/readyz")) is not { Status: 200 }) await Task.Delay(Interval);
        }

        nodes.ForEach(node => world.TakeUp(node.Index));
    }

    private static async Task HoldAsync(TimeSpan time, CancellationToken stop) => await Task.Delay(time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private List<int> AllNodes() => [.. Enumerable.Range(0, testbed.Nodes.Count)];

    private string Names(int[] nodes) => string.Join(' ', nodes.Select(node => testbed.Nodes[node].ToString()));
}
