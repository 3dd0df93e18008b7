using System.Globalization;
using Kv.Common.Identity;
using Kv.Faults.Nemesis;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;
using Kv.TestSupport;

namespace Kv.Faults.Load;

/// <summary>
/// Measures availability: asks every node for keys of every shard in turn, without a token and with the default write concern. A request is judged when the
/// node runs and a replica of the shard is alive and in reach of it, from before the request until its answer, and no fault has begun, and no
/// link was mended, within <see cref="World.DetectionWindow"/> before the request or during it. It is served when it is answered without 5xx within <see cref="Bound"/>.
/// </summary>
internal sealed class Prober(ITestbed testbed, World world, TopologyWatch topology, SuiteClock clock, Availability availability, string name)
{
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    private const int Keys = 128;
    private const int MostAtOnce = 64;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly (string Text, Key Key)[] _keys = [.. Enumerable.Range(0, Keys).Select(i => string.Create(CultureInfo.InvariantCulture, $"probe-{name}-{i}")).Select(text => (text, new Key(text)))];
    private readonly HashSet<Task> _underWay = [];
    private int _turn;

    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                _underWay.RemoveWhere(task => task.IsCompletedSuccessfully);
                if (_underWay.Count < MostAtOnce) _underWay.Add(ProbeAsync());
            }
        }
        catch (OperationCanceledException)
        {
        }

        await Task.WhenAll(_underWay);
    }

    private async Task ProbeAsync()
    {
        // 1. Whose turn it is: every node is asked for every shard, reads and writes by turns.
        var turn = _turn++;
        var shards = topology.Current.Shards;
        var node = testbed.Nodes[turn % testbed.Nodes.Count];
        var shard = shards[turn / testbed.Nodes.Count % shards.Length];
        var isWrite = turn / testbed.Nodes.Count / shards.Length % 2 == 0;
        var keys = _keys.Where(key => topology.Current.ShardOf(key.Key).Id == shard.Id).ToList();
        var before = world.Current;
        if (keys.Count == 0) return;
        if (!CanServe(node, keys[0].Key, before))
        {
            availability.Excuse((node.Index, shard.Id.Value));
            return;
        }

        // 2. The request.
        var (text, key) = keys[turn % keys.Count];
        var began = clock.Now;
        using var patience = new CancellationTokenSource(Patience);
        var answer = await node.Client.TryAsync(client => isWrite
            ? client.SendAsync(HttpMethod.Put, KvClient.PathOf(text), KvClient.BodyOf(KvClient.Number(turn)), stop: patience.Token)
            : client.SendAsync(HttpMethod.Get, KvClient.PathOf(text), stop: patience.Token));

        // 3. What it counts for.
        var after = world.Current;
        var took = clock.Since(began);
        var isServed = answer is { Status: 200 or 201 or 404 } && took <= Bound;
        var isJudged = began >= before.SettlesAt && after.Disturbances == before.Disturbances && CanServe(node, key, after);
        var what = isServed ? "" : string.Create(CultureInfo.InvariantCulture, $"{(isWrite ? "PUT" : "GET")} at {node} of shard {shard.Id}: {(answer is null ? "no answer" : Short(answer.ToString()))} after {took.TotalSeconds:F2} s");
        availability.Add(before.Kinds.Union(after.Kinds), isJudged, isServed, (node.Index, shard.Id.Value), began, clock.Now, what);
    }

    private bool CanServe(TestNode node, Key key, WorldView view) => view.CanServe(node.Index, topology.MembersOf(topology.Current.ShardOf(key)));

    private static string Short(string answer) => answer.Length <= 160 ? answer : answer[..160];
}
