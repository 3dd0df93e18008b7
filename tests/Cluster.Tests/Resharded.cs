using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>What the tests of resharding have in common.</summary>
internal static class Resharded
{
    /// <summary>A reshard of <see cref="PreloadAsync"/>'s keys takes some seconds with it: long enough to meddle, which no test takes for granted.</summary>
    public static readonly IReadOnlyDictionary<string, string> Slow = new Dictionary<string, string> { ["Migration__MaxBytesPerSecond"] = "10000" };

    /// <summary>For what takes as long as it takes, and must come to an end.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private const int Preloaded = 400;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly string Padding = new('x', 1000);

    /// <summary>Writes some hundred keys of a kilobyte through all nodes; gives each one's answer.</summary>
    public static async Task<IReadOnlyDictionary<string, KvAnswer>> PreloadAsync(IReadOnlyList<LocalNode> nodes, string name)
    {
        var written = new KvAnswer[Preloaded];
        await Parallel.ForEachAsync(Enumerable.Range(0, Preloaded), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            written[i] = await nodes[i % nodes.Count].Client.PutAsync($"{name}-{i}", ValueOf(i));
            Assert.True(written[i].Status == 201, written[i].ToString());
        });
        return written.Select((answer, i) => (Key: $"{name}-{i}", Answer: answer)).ToDictionary(each => each.Key, each => each.Answer);
    }

    /// <summary>Every key of <see cref="PreloadAsync"/> is read through every node, half of them with their tokens, and the other half through the next node.</summary>
    public static Task ReadAsync(IEnumerable<LocalNode> nodes, IReadOnlyDictionary<string, KvAnswer> preloaded) => Task.WhenAll(nodes.Select(async (node, place) =>
    {
        foreach (var (key, written) in preloaded)
        {
            var number = int.Parse(key.Split('-')[^1], null);
            var read = await node.Client.GetAsync(key, (number + place) % 2 == 0 ? written.Token : null);
            Assert.True(read.Status == 200 && read.RawValue == ValueOf(number), $"{key} through {node.Address}: {read}");
        }
    }));

    /// <summary>Every key is read through every other node, by one who knows of its write.</summary>
    public static Task ReadAsync(IEnumerable<LocalNode> nodes, IReadOnlyDictionary<string, (string Value, string Token)> written) => Task.WhenAll(nodes.Select(async (node, place) =>
    {
        foreach (var (key, (value, token)) in written.Where((_, i) => (i + place) % 2 == 0))
        {
            var read = await node.Client.GetAsync(key, token);
            Assert.True(read.Status == 200 && read.RawValue == value, $"{key} through {node.Address} is not {value}: {read}");
        }
    }));

    /// <summary>Asks one node for so many shards, and waits for the answer as long as it takes.</summary>
    public static async Task<KvAnswer> ReshardAsync(this LocalNode node, int shards)
    {
        using var patient = new KvClient(node.Address, Patience);
        return await patient.ReshardAsync(shards);
    }

    /// <summary>The id of the reshard, when the node says that keys are on their way.</summary>
    public static async Task<string> UntilMovingAsync(LocalNode node)
    {
        var status = await Eventually.Async(
            node.Client.ReshardStatusAsync, answer => answer.Text("stage") == "transferring" && answer.Member("keys-moved").GetInt64() > 0, Bound, $"{node.Address} says that keys are moving");
        return status.Text("reshard-id");
    }

    /// <summary>Completes when the node says that all keys but the last are where they are to be, or that it is over.</summary>
    public static async Task UntilNearlyDoneAsync(LocalNode node)
    {
        await UntilMovingAsync(node);
        await Eventually.Async(
            node.Client.ReshardStatusAsync,
            answer => answer.Text("stage") != "transferring" || answer.Member("ranges-done").GetInt32() >= answer.Member("ranges-total").GetInt32() - 1,
            Bound,
            $"{node.Address} says that nearly all is done");
    }

    /// <summary>Waits until these nodes say the same of the shards and of who serves them, and none knows of a reshard under way; gives what they say.</summary>
    public static async Task<string> UntilSettledAsync(IReadOnlyList<LocalNode> nodes, TimeSpan within)
    {
        var said = await Eventually.Async(
            async () => await Task.WhenAll(nodes.Select(SaysAsync)),
            all => all.Distinct().Count() == 1 && all[0].StartsWith("none", StringComparison.Ordinal),
            within,
            "all nodes agree on the shards, and no reshard runs");
        return said[0];
    }

    /// <summary>The members of each shard.</summary>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyList<string>>> ShardsAsync(LocalNode node)
    {
        var shards = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var id in await node.Client.ShardIdsAsync()) shards[id] = await node.Client.MembersAsync(id);
        return shards;
    }

    /// <summary>As text, to be compared.</summary>
    public static string Text(IReadOnlyDictionary<string, IReadOnlyList<string>> shards) => string.Join(' ', shards.Select(shard => $"{shard.Key}{{{string.Join(',', shard.Value)}}}"));

    private static async Task<string> SaysAsync(LocalNode node)
    {
        try
        {
            return $"{(await node.Client.ReshardStatusAsync()).Text("stage")} {await node.Probe.EpochAsync()} {Text(await ShardsAsync(node))}";
        }
        catch (InvalidOperationException)
        {
            // A shard was there when its id was read, and gone when its members were.
            return "changing";
        }
    }

    private static string ValueOf(int i) => $"\"{i} {Padding}\"";
}
