using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Faults.Load;
using Kv.Faults.Testbeds;
using Kv.TestSupport;

namespace Kv.Faults.Nemesis;

/// <summary>
/// The operator: asks any node that runs for a change, and asks again, maybe another one, until it has happened. An answer may not come, and a change may be refused
/// while too many nodes are away.
/// </summary>
internal sealed class ChangeRunner(ITestbed testbed, World world, TopologyWatch topology, Victims victims, SuiteClock clock, Action<LostDisk> diskIsLost)
{
    private const string ViewPath = "/key-value-store-view";

    private static readonly TimeSpan ReadyBound = TimeSpan.FromSeconds(60);

    /// <summary>How long nobody has said yet that the change has happened before it is asked for again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Ends when the change has happened; with an exception that says what is missing when told to stop before.</summary>
    public async Task<string?> RunAsync(RoundPlan plan, Random random, CancellationToken stop)
    {
        if (plan.Change is ChangeKind.None) return null;
        await Task.Delay(plan.ChangeAfter, stop);
        var name = ChangeNames.Of(plan.Change);
        world.BeginChange(name);
        try
        {
            return plan.Change is ChangeKind.Reshard ? await ReshardAsync(random, stop) : await ReplaceAsync(random, stop);
        }
        finally
        {
            world.End(name);
        }
    }

    private async Task<string> ReshardAsync(Random random, CancellationToken stop)
    {
        var (from, to) = topology.Current.Shards.Length == 2 ? (2, 3) : (3, 2);
        await UntilAsync(random, node => node.Client.ReshardAsync(to), answer => answer.Status == 200, stop);
        await UntilSeenAsync(() => topology.Current.Shards.Length == to && topology.Current.Transition is null, stop);
        return $"reshard {from} to {to}";
    }

    private async Task<string?> ReplaceAsync(Random random, CancellationToken stop)
    {
        // 1. Whom: one without whom its shard still has two.
        if (victims.TakeOfShard(random, leastMembers: 3) is not { } node) return null;
        var shard = topology.ShardOf(node)!;
        var incarnation = topology.Current.IncarnationAt(NodeAddress.Parse(node.Address)).ToString();
        var body = $$"""{"socket-address": "{{node.Address}}"}""";
        try
        {
            // 2. Its clients are told, then it is removed.
            world.TakeDown(node.Index);
            var isCutOff = false;
            await UntilAsync(
                random,
                async other =>
                {
                    isCutOff |= IsCutOff(node, shard);
                    var answer = await other.Client.SendAsync(HttpMethod.Delete, ViewPath, body);
                    isCutOff |= IsCutOff(node, shard);
                    return answer;
                },
                answer => answer.Status is 200 or 404,
                stop);
            // Cut off from all others of its shard, before or while it was asked for, it hands nothing over: what it alone acknowledged goes with it, as with a disk.
            if (isCutOff) diskIsLost(new(node, incarnation, clock.Now));
            // 3. It is let in again, as a new one.
            await UntilAsync(random, other => other.Client.SendAsync(HttpMethod.Put, ViewPath, body), answer => answer.Status is 201 or 404, stop);
            // 4. It is given its shard again, and serves.
            await UntilAsync(random, other => other.Client.SendAsync(HttpMethod.Put, $"/key-value-store-shard/add-member/{shard.Id}", body), answer => answer.Status == 200, stop);
            var since = clock.Now;
            while (clock.Since(since) < ReadyBound && await node.Look.TryAsync(client => client.GetPathAsync("/readyz")) is not { Status: 200 }) await Task.Delay(Pause, stop);
            world.TakeUp(node.Index);
            return $"{node} replaced in shard {shard.Id}{(isCutOff ? ", which was cut off" : "")}";
        }
        finally
        {
            victims.Release(node);
        }
    }

    private bool IsCutOff(TestNode node, ShardMembers shard)
    {
        var view = world.Current;
        return topology.MembersOf(shard).Where(member => member != node.Index).All(member => view.Down.Contains(member) || view.IsCut(node.Index, member));
    }

    private async Task UntilAsync(Random random, Func<TestNode, Task<KvAnswer>> ask, Func<KvAnswer, bool> isDone, CancellationToken stop)
    {
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            TestNode[] doors = [.. testbed.Nodes.Where(node => !world.Current.Down.Contains(node.Index))];
            if (doors.Length > 0)
            {
                var door = doors[random.Next(doors.Length)];
                var answer = await door.Client.TryAsync(_ => ask(door));
                if (answer is not null && isDone(answer)) return;
                LastAnswer = $"{answer?.ToString() ?? "no answer"} at {door}";
            }

            await Task.Delay(Pause, stop);
        }
    }

    /// <summary>For people, when a change does not happen.</summary>
    public string LastAnswer { get; private set; } = "";

    private static async Task UntilSeenAsync(Func<bool> condition, CancellationToken stop)
    {
        while (!condition()) await Task.Delay(Pause, stop);
    }
}
