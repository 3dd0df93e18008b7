using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>A client that follows changes while everything happens to the cluster, and to itself.</summary>
public sealed class ChangeFeedTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(4);

    // Changes after one that its client is disconnected, at most.
    private const int Stretch = 20;

    // So that who is away for some seconds is away for longer than the log reaches back, and sometimes for longer than deletions are remembered.
    private static readonly TimeSpan LongAway = TimeSpan.FromSeconds(3);
    private static readonly IReadOnlyDictionary<string, string> Forgetful = new Dictionary<string, string>
    {
        ["Retention__MinTrimRecords"] = "1",
        ["Retention__TombstoneInterval"] = "00:00:01",
    };

    [Fact]
    public async Task Whoever_follows_and_comes_again_has_the_state_of_the_store_and_never_sees_an_effect_before_its_cause()
    {
        using var bound = new CancellationTokenSource(Bound);
        await using var cluster = await LocalCluster.StartAsync(nodes: 6, shards: 2, (_, _) => Forgetful);
        await cluster.UntilSealedAsync();
        using var history = new FollowedHistory(cluster.Nodes, sessions: 4);
        var follower = new Follower(cluster, history);
        await follower.BeginAsync(bound.Token);
        using var quiet = new CancellationTokenSource();
        var following = follower.RunAsync(quiet.Token, bound.Token);

        history.Start();
        await UntilMoreAsync(history, 200);
        await cluster[5].Process.KillAsync();
        await UntilMoreAsync(history, 200);
        await cluster[5].RestartAsync();
        Assert.Equal(200, (await cluster[0].ReshardAsync(3)).Status);
        await UntilMoreAsync(history, 200);
        Assert.Equal(200, (await cluster[1].ReshardAsync(2)).Status);
        await UntilMoreAsync(history, 200);
        await history.StopAsync();
        await cluster.UntilWholeAsync();

        // From here on nothing is written, so what it is told last is what there is.
        var states = await StatesAsync(cluster);
        await Eventually.Async(() => Task.FromResult(string.Join('\n', states.Except(follower.State).Concat(follower.State.Except(states)))), differences => differences.Length == 0, Bound, "the follower has what the store has");
        await quiet.CancelAsync();
        await following;
        TestContext.Current.TestOutputHelper!.WriteLine($"{history.Count} writes; {follower}");
        Assert.Empty(follower.Disorders);
        Assert.True(follower is { Connections: > 10, Judged: > 100 }, $"{follower}");
    }

    private static async Task UntilMoreAsync(FollowedHistory history, int writes)
    {
        var before = history.Count;
        await Eventually.Async(() => Task.FromResult(history.Count), count => count >= before + writes, Bound, $"{writes} more writes");
    }

    // What every node says without a token, once they are equal.
    private static async Task<Dictionary<string, string>> StatesAsync(LocalCluster cluster)
    {
        await Eventually.Async(() => cluster[0].Client.GetPathAsync("/key-value-store-view/convergence"), answer => answer.Member("converged").GetBoolean(), Bound, "all replicas are equal");
        using var all = await KvFeed.OpenAsync(cluster[0].Address, $"?prefix={FollowedHistory.Prefix}&from=beginning");
        var states = new Dictionary<string, string>();
        while (await all.NextOfAsync(default, "put", "checkpoint") is { IsChange: true } put)
        {
            var read = await cluster[1].Client.GetAsync(put.Key);
            Assert.Equal((read.RawValue, read.Version), (put.Value, put.Version));
            states[put.Key] = read.Version;
        }

        Assert.Equal(states.Count, (await Task.WhenAll(Enumerable.Range(0, FollowedHistory.Keys).Select(i => cluster[2].Client.GetAsync($"{FollowedHistory.Prefix}{i}")))).Count(read => read.Status == 200));
        return states;
    }

    private sealed class Follower(LocalCluster cluster, FollowedHistory history)
    {
        private readonly Random _random = new(1);
        private readonly Dictionary<string, string> _last = [];
        private readonly List<(string Version, Dictionary<string, string> Before)> _unjudged = [];
        private string? _id;
        private bool _isWhole = true;
        private int _resets, _snapshots, _changes, _judged;

        public int Connections { get; private set; }

        public int Judged => _judged;

        public List<string> Disorders { get; } = [];

        /// <summary>The version of every key that is there.</summary>
        public Dictionary<string, string> State { get; private set; } = [];

        public async Task BeginAsync(CancellationToken stop)
        {
            using var feed = await KvFeed.OpenAsync(cluster[0].Address, $"?prefix={FollowedHistory.Prefix}", stop: stop);
            await feed.NextOfAsync(stop, "checkpoint");
            _id = feed.LastId;
        }

        public async Task RunAsync(CancellationToken quiet, CancellationToken stop)
        {
            while (!quiet.IsCancellationRequested)
            {
                if (Connections % 12 == 11) await Task.Delay(_random.NextDouble() * LongAway, stop);
                var node = cluster.Nodes[_random.Next(cluster.Nodes.Count)];
                using var feed = await KvFeed.TryOpenAsync(node.Address, $"?prefix={FollowedHistory.Prefix}" + (_id is null ? "&from=beginning" : ""), _id, stop);
                if (feed is { Status: 410 }) (_id, _resets) = (null, _resets + 1);
                if (feed is not { Status: 200 })
                {
                    await Task.Delay(50, stop);
                    continue;
                }

                Connections++;
                try
                {
                    for (var left = _random.Next(1, Stretch); left > 0 && await feed.NextAsync(quiet) is { } told; left--)
                    {
                        // Within a snapshot it stays: the next one would begin again.
                        if (Take(told)) left++;
                        _id = feed.LastId;
                    }
                }
                catch (OperationCanceledException) when (quiet.IsCancellationRequested)
                {
                }
            }

            Judge();
        }

        public override string ToString() => $"{_changes} changes, {_judged} of them judged, over {Connections} connections, {_snapshots} snapshots, {_resets} resets";

        // True while what is told is no consistent state.
        private bool Take(FeedEvent told)
        {
            switch (told.Type)
            {
                case "snapshot":
                    _snapshots++;
                    _isWhole = false;
                    if (told.Json.GetProperty("all").GetBoolean()) Forget();
                    break;
                case "checkpoint":
                    _isWhole = true;
                    break;
                case "reset":
                    _resets++;
                    break;
                case "put" or "delete":
                    _changes++;
                    State = new(State);
                    if (told.Type == "put") State[told.Key] = told.Version;
                    else State.Remove(told.Key);
                    _last[told.Key] = told.Version;
                    if (_isWhole) _unjudged.Add((told.Version, new(_last)));
                    break;
            }

            return !_isWhole;
        }

        // What is not there any more was deleted, and which deletion that was is not told.
        private void Forget()
        {
            State = [];
            for (var i = 0; i < FollowedHistory.Keys; i++) _last[$"{FollowedHistory.Prefix}{i}"] = "unknown";
        }

        // When all answers are in: at a change, of no key is something told last that the change's writer knew to be outdone.
        private void Judge()
        {
            var byKey = history.All.GroupBy(write => write.Key).ToDictionary(group => group.Key, group => group.ToList());
            foreach (var (version, before) in _unjudged)
            {
                if (history.Find(version) is not { } change) continue;
                _judged++;
                foreach (var (key, writes) in byKey)
                {
                    var last = before.TryGetValue(key, out var told) ? history.Find(told) : null;
                    if (told is not null && last is null) continue;
                    if (writes.Find(write => change.HasSeen(write) && (last is null || write.HasSeen(last))) is { } cause)
                        Disorders.Add($"{change} was told while {key} was {(object?)last ?? "nothing"}, although its writer had seen {cause}");
                }
            }
        }
    }
}
