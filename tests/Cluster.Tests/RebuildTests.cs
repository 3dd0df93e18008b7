using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Damaged data are refused, and filled anew by the peers when somebody asks for it; never served.</summary>
public sealed class RebuildTests
{
    private const int Keys = 300;
    private const int Damaged = 3;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_node_with_a_damaged_file_refuses_to_start_and_is_filled_by_its_peers_when_rebuilt()
    {
        await using var cluster = await StartAsync();
        var (node, other) = (cluster[0], cluster[1]);
        await WriteAsync(other, "1");
        await UntilFilledAsync(cluster);
        var (incarnation, _) = await node.Probe.VectorAsync();
        await StopAsync(node);
        // So that what is in the write-ahead log gets into sorted files, one of which is then cut short.
        await node.RestartAsync();
        await StopAsync(node);
        var file = Directory.GetFiles(Path.Combine(node.DataDirectory, "store"), "*.sst").MaxBy(name => new FileInfo(name).Length)!;
        using (var sorted = File.OpenWrite(file)) sorted.SetLength(sorted.Length / 2);

        // It refuses, says which file and what to do, and changes nothing; and again.
        for (var start = 0; start < 2; start++)
        {
            await using var refused = node.StartWith(new Dictionary<string, string>());
            Assert.Equal(Damaged, await refused.ExitCodeAsync(Bound));
            Assert.Contains(Path.GetFileName(file), refused.Errors);
            Assert.Contains("--rebuild", refused.Errors);
            Assert.DoesNotContain("   at ", refused.Log);
        }

        // The others went on meanwhile, and fill it. The same setting does nothing to sound data afterwards.
        await WriteAsync(other, "2");
        var rebuild = new Dictionary<string, string> { ["KV_REBUILD"] = "true" };
        await using (var rebuilt = node.StartWith(rebuild))
        {
            await rebuilt.UntilReadyAsync(node.Client);
            Assert.Contains("Rebuilding: the data were put aside in", rebuilt.Log);
            await UntilFilledAsync(cluster);
            await CheckAsync(cluster, "2");
            Assert.NotEqual(incarnation, (await node.Probe.VectorAsync()).Incarnation);
            incarnation = (await node.Probe.VectorAsync()).Incarnation;
            await rebuilt.KillAsync();
        }

        var aside = Assert.Single(Directory.GetDirectories(node.DataDirectory, "damaged-*"));
        Assert.True(File.Exists(Path.Combine(aside, "store", Path.GetFileName(file))));
        await using (var again = node.StartWith(rebuild))
        {
            await again.UntilReadyAsync(node.Client);
            Assert.Equal(incarnation, (await node.Probe.VectorAsync()).Incarnation);
            await CheckAsync(cluster, "2");
            await again.KillAsync();
        }

        // Damaged once more, somebody has to look at the disk first.
        File.Delete(Path.Combine(node.DataDirectory, "store", "CURRENT"));
        await using var looping = node.StartWith(rebuild);
        Assert.Equal(Damaged, await looping.ExitCodeAsync(Bound));
        Assert.Contains("It was rebuilt before", looping.Errors);
    }

    [Fact]
    public async Task A_node_that_reads_a_damaged_block_answers_nothing_wrong_stops_and_does_not_serve_again_until_it_is_rebuilt()
    {
        await using var cluster = await StartAsync();
        var (node, other) = (cluster[0], cluster[1]);
        await WriteAsync(other, "1");
        await UntilFilledAsync(cluster);
        await StopAsync(node);
        await node.RestartAsync();
        await StopAsync(node);
        // In the first half of a sorted file of some size lie data blocks, which are read when somebody asks for what is in them; a small one is all index.
        var files = Directory.GetFiles(Path.Combine(node.DataDirectory, "store"), "*.sst").Where(name => new FileInfo(name).Length > 16 << 10).ToList();
        Assert.NotEmpty(files);
        foreach (var name in files) FlipBytes(name);
        await node.Process.DisposeAsync();
        node.Start();
        await Eventually.Async(() => Task.FromResult(node.Process.Log.Contains("Now listening", StringComparison.Ordinal) || node.Process.HasExited), up => up, Bound, "the node has started");

        for (var i = 0; i < Keys; i++)
        {
            // No answer, 503, or the right one.
            if (await node.Client.TryAsync(c => c.GetAsync(Key(i))) is not { } get) continue;
            Assert.True(get.Status is 200 or 503, get.ToString());
            if (get.Status == 200) Assert.Equal(Value(i, "1"), get.RawValue);
        }

        Assert.Equal(Damaged, await node.Process.ExitCodeAsync(Bound));
        Assert.Contains("The data of this node are damaged", node.Process.Log);
        Assert.Contains("Corruption", node.Process.Log);
        foreach (var each in cluster.Nodes.Skip(1)) Assert.Equal(Value(7, "1"), (await each.Client.GetAsync(Key(7))).RawValue);

        // A start reads less than that, and it is refused all the same.
        await using (var refused = node.StartWith(new Dictionary<string, string>()))
        {
            Assert.Equal(Damaged, await refused.ExitCodeAsync(Bound));
            Assert.Contains("found damaged before", refused.Errors);
        }

        await using var rebuilt = node.StartWith(new Dictionary<string, string> { ["KV_REBUILD"] = "true" });
        await rebuilt.UntilReadyAsync(node.Client);
        await UntilFilledAsync(cluster);
        await CheckAsync(cluster, "1");
    }

    [Fact]
    public async Task A_full_verification_finds_at_start_what_nobody_has_read_yet()
    {
        await using var cluster = await StartAsync();
        var node = cluster[0];
        await WriteAsync(cluster[1], "1");
        await UntilFilledAsync(cluster);
        await StopAsync(node);
        await node.RestartAsync();
        await StopAsync(node);
        var full = new Dictionary<string, string> { ["Storage__VerifyAtStart"] = "Full" };
        await using (var sound = node.StartWith(full))
        {
            await sound.UntilReadyAsync(node.Client);
            sound.Terminate();
            Assert.Equal(0, await sound.ExitCodeAsync(Bound));
        }

        FlipBytes(Directory.GetFiles(Path.Combine(node.DataDirectory, "store"), "*.sst").MaxBy(name => new FileInfo(name).Length)!);
        await using var refused = node.StartWith(full);
        Assert.Equal(Damaged, await refused.ExitCodeAsync(Bound));
        Assert.Contains("block checksum mismatch", refused.Errors);
    }

    private static Task<LocalCluster> StartAsync() => LocalCluster.StartAsync(3, 1);

    private static string Key(int i) => $"rebuild-{i}";

    private static string Value(int i, string round) => $"\"{round}/{i}/{new string('x', 400)}\"";

    private static async Task WriteAsync(LocalNode through, string round)
    {
        for (var i = 0; i < Keys; i++)
        {
            var put = await through.Client.PutAsync(Key(i), Value(i, round));
            Assert.True(put.Status is 200 or 201, put.ToString());
        }
    }

    private static async Task CheckAsync(LocalCluster cluster, string round)
    {
        for (var i = 0; i < Keys; i++) Assert.Equal(Value(i, round), (await cluster[0].Client.GetAsync(Key(i))).RawValue);
    }

    private static async Task UntilFilledAsync(LocalCluster cluster)
    {
        await cluster.UntilSealedAsync();
        foreach (var node in cluster.Nodes)
            await Eventually.Async(node.Probe.LiveKeysAsync, keys => keys == Keys, TimeSpan.FromSeconds(30), $"{node.Address} holds all keys");
    }

    private static async Task StopAsync(LocalNode node)
    {
        node.Process.Terminate();
        Assert.Equal(0, await node.Process.ExitCodeAsync(Bound));
    }

    private static void FlipBytes(string path)
    {
        var content = File.ReadAllBytes(path);
        for (var at = content.Length / 8; at < content.Length / 2; at += 512) content[at] ^= 0x40;
        File.WriteAllBytes(path, content);
    }
}
