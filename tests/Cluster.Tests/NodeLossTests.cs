using Kv.TestSupport;

namespace Kv.Cluster.Tests;

public sealed class NodeLossTests(SixNodes six) : SixNodesTests(six)
{
    private const int Keys = 40;

    private static readonly TimeSpan ViewBound = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RetryBound = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_killed_node_leaves_every_key_readable_and_writable_and_comes_back_with_what_it_missed()
    {
        var lost = Six.Nodes[2];
        var others = Six.Nodes.Where(node => node != lost).ToList();
        var name = SixNodes.NewName("kill");
        var token = await WriteAllAsync(Six.Nodes, name, 1, null);

        await lost.Process.KillAsync();
        await AllSeeAsync(others, [.. others.Select(node => node.Address)]);
        await ReadAllAsync(others, name, 1, token);
        token = await WriteAllAsync(others, name, 2, token);
        await ReadAllAsync(others, name, 2, token);

        await lost.RestartAsync();
        await AllSeeAsync(Six.Nodes, Six.Cluster.Addresses);
        await ReadAllAsync([lost], name, 2, token);
        await Six.UntilEqualAsync();
        await WriteAllAsync([lost], name, 3, token);
    }

    [Fact]
    public async Task Requests_right_after_a_kill_succeed_when_they_are_tried_again()
    {
        var lost = Six.Nodes[3];
        var others = Six.Nodes.Where(node => node != lost).ToList();
        var name = SixNodes.NewName("retry");
        var token = await WriteAllAsync(Six.Nodes, name, 1, null);
        await lost.Process.KillAsync();
        for (var i = 0; i < Keys; i++)
        {
            var node = others[i % others.Count];
            var read = await Eventually.Async(() => node.Client.GetAsync($"{name}-{i}", token), answer => answer.Status != 503, RetryBound, "the key is readable");
            Assert.True(read.Status == 200, read.ToString());
            var write = await Eventually.Async(() => node.Client.PutAsync($"{name}-{i}", "2", token), answer => answer.Status != 503, RetryBound, "the key is writable");
            Assert.True(write.Status == 200, write.ToString());
            token = write.Token;
        }

        await lost.RestartAsync();
        await AllSeeAsync(Six.Nodes, Six.Cluster.Addresses);
        await ReadAllAsync([lost], name, 2, token);
    }

    [Fact]
    public async Task A_paused_node_leaves_the_views_and_accuses_nobody_when_it_goes_on()
    {
        var paused = Six.Nodes[4];
        var others = Six.Nodes.Where(node => node != paused).ToList();
        var without = others.Select(node => node.Address).ToList();
        var name = SixNodes.NewName("pause");
        var token = await WriteAllAsync(Six.Nodes, name, 1, null);
        paused.Process.Pause();
        try
        {
            await AllSeeAsync(others, without);
            await ReadAllAsync(others, name, 1, token);
            token = await WriteAllAsync(others, name, 2, token);
            // Longer than any silence that the paused node tolerates in others.
            await Eventually.NeverAsync(() => MissingAsync(others, without), TimeSpan.FromSeconds(2));
        }
        finally
        {
            paused.Process.Resume();
        }

        await Task.WhenAll(
            AllSeeAsync(others, Six.Cluster.Addresses),
            Eventually.NeverAsync(() => MissingAsync([paused], without), TimeSpan.FromSeconds(3)));
        await ReadAllAsync([paused], name, 2, token);
        await Six.UntilEqualAsync();
    }

    [Fact]
    public async Task Requests_that_a_paused_node_swallowed_are_answered_once_it_is_held_dead()
    {
        var paused = Six.Nodes[4];
        var others = Six.Nodes.Where(node => node != paused).ToList();
        var name = SixNodes.NewName("stall");
        var token = await WriteAllAsync([.. Six.Nodes], name, 1, null);
        paused.Process.Pause();
        try
        {
            // Whatever was on its way to the paused node is tried elsewhere or given up soon after the others notice.
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var reads = await Task.WhenAll(Enumerable.Range(0, Keys).Select(i => others[i % others.Count].Client.GetAsync($"{name}-{i}", token)));
            Assert.All(reads, read => Assert.True(read.Status == 200, read.ToString()));
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, ViewBound + TimeSpan.FromSeconds(1));
        }
        finally
        {
            paused.Process.Resume();
        }
    }

    [Fact]
    public async Task A_node_that_is_told_to_stop_does_so_within_five_seconds_and_goes_on_with_its_dots_afterwards()
    {
        var node = Six.Nodes[1];
        var name = SixNodes.NewName("dots");
        var key = await KeyServedByAsync(node, name);
        var before = await node.Probe.DotAsync(key);
        Assert.NotNull(before);

        node.Process.Terminate();
        var code = await node.Process.ExitCodeAsync(TimeSpan.FromSeconds(5));
        Assert.True(code == 0, $"Exit code {code}:\n{node.Process.Log}");
        await node.RestartAsync();
        await AllSeeAsync(Six.Nodes, Six.Cluster.Addresses);

        var put = await node.Client.PutAsync(key, "2");
        Assert.True(put.Status == 200, put.ToString());
        var (incarnation, sequence) = Parse((await node.Probe.DotAsync(key))!);
        Assert.Equal(Parse(before).Incarnation, incarnation);
        Assert.Equal(Parse(before).Sequence + 1, sequence);
    }

    [Fact]
    public async Task A_killed_node_goes_on_with_its_dots()
    {
        var node = Six.Nodes[5];
        var key = await KeyServedByAsync(node, SixNodes.NewName("dots"));
        var before = Parse((await node.Probe.DotAsync(key))!);
        await node.Process.KillAsync();
        await node.RestartAsync();
        await AllSeeAsync(Six.Nodes, Six.Cluster.Addresses);
        await node.Client.PutAsync(key, "2");
        Assert.Equal((before.Incarnation, before.Sequence + 1), Parse((await node.Probe.DotAsync(key))!));
    }

    /// <summary>Writes a key through the node until the node itself coordinates it, so that the node's last own write is that key's.</summary>
    private static async Task<string> KeyServedByAsync(LocalNode node, string name)
    {
        var shard = (await node.Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Text("shard-id");
        for (var i = 0; ; i++)
        {
            var put = await node.Client.PutAsync($"{name}-{i}", "1");
            Assert.True(put.Status == 201, put.ToString());
            if (put.Text("shard-id") == shard) return $"{name}-{i}";
        }
    }

    private static (string Incarnation, ulong Sequence) Parse(string dot) => (dot.Split(':')[0], ulong.Parse(dot.Split(':')[1], null));

    private static async Task<string?> MissingAsync(IEnumerable<LocalNode> nodes, IReadOnlyList<string> expected)
    {
        foreach (var node in nodes)
        {
            var view = await node.Client.ViewAsync();
            if (expected.Except(view).FirstOrDefault() is { } missing) return $"{node.Address} does not see {missing}: {string.Join(',', view)}";
        }

        return null;
    }

    private static Task AllSeeAsync(IEnumerable<LocalNode> nodes, IReadOnlyList<string> members) =>
        Task.WhenAll(nodes.Select(node => LocalCluster.UntilViewAsync(node, members, ViewBound)));

    private static async Task<string> WriteAllAsync(IReadOnlyList<LocalNode> through, string name, int value, string? token)
    {
        for (var i = 0; i < Keys; i++)
        {
            var put = await through[i % through.Count].Client.PutAsync($"{name}-{i}", KvClient.Number(value), token);
            Assert.True(put.Status is 200 or 201, $"{through[i % through.Count].Address}: {put}");
            token = put.Token;
        }

        return token!;
    }

    private static async Task ReadAllAsync(List<LocalNode> through, string name, int value, string token)
    {
        for (var i = 0; i < Keys; i++)
        {
            var get = await through[i % through.Count].Client.GetAsync($"{name}-{i}", token);
            Assert.True(get.Status == 200, $"{through[i % through.Count].Address}: {get}");
            Assert.Equal(KvClient.Number(value), get.RawValue);
        }
    }
}
