using System.Net.Sockets;
using Kv.Node.Replica;
using Kv.TestSupport;

namespace Kv.Node.Tests.Changes;

/// <summary>The change feed of one node, as a client sees it.</summary>
public sealed class FeedTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _patience = new(Patience);

    private CancellationToken Stop => _patience.Token;

    public void Dispose() => _patience.Dispose();

    [Fact]
    public async Task Writes_and_deletions_come_as_they_are_made_and_their_tokens_cover_them()
    {
        await using var node = await InProcessNode.StartAsync();
        using var feed = await KvFeed.OpenAsync(node.Address, "?prefix=a", stop: Stop);
        Assert.Equal(200, feed.Status);
        Assert.Equal("text/event-stream", feed.ContentType);
        Assert.NotNull((await feed.NextOfAsync(Stop, "checkpoint")).Id);

        await node.Client.PutAsync("b1", "0");
        var put = await node.Client.PutAsync("a1", "{\"x\":\n [1,\r\n \"y\"]}");
        var delete = await node.Client.DeleteAsync("a1", put.Token);

        var told = await feed.ChangesAsync(2, Stop);
        Assert.Equal(["put", "delete"], told.Select(change => change.Type));
        Assert.Equal("y", told[0].Json.GetProperty("value").GetProperty("x")[1].GetString());
        Assert.Equal((put.Version, delete.Version), (told[0].Version, told[1].Version));
        Assert.Equal("0", told[0].Json.GetProperty("shard-id").GetString());
        Assert.Equal(404, (await node.Client.GetAsync("a1", told[1].Token)).Status);
    }

    [Fact]
    public async Task From_the_beginning_every_live_key_comes_once_and_then_what_is_written()
    {
        await using var node = await InProcessNode.StartAsync();
        for (var i = 0; i < 600; i++) await node.Client.PutAsync($"k{i}", KvClient.Number(i));
        await node.Client.DeleteAsync("k7");
        using var feed = await KvFeed.OpenAsync(node.Address, "?from=beginning", stop: Stop);

        Assert.True((await feed.NextOfAsync(Stop, "snapshot", "put", "checkpoint")).Json.GetProperty("all").GetBoolean());
        var listed = await feed.ChangesAsync(599, Stop);
        Assert.All(listed, change => Assert.Null(change.Id));
        Assert.Equal(Enumerable.Range(0, 600).Where(i => i != 7).Select(i => $"k{i}").Order(), listed.Select(change => change.Key).Order());
        Assert.Equal("checkpoint", (await feed.NextOfAsync(Stop, "put", "delete", "checkpoint")).Type);
        await node.Client.PutAsync("k7", "\"again\"");
        Assert.Equal("\"again\"", (await feed.ChangesAsync(1, Stop))[0].Value);
    }

    [Fact]
    public async Task Who_comes_again_with_the_last_id_is_told_the_rest_and_nothing_else()
    {
        await using var node = await InProcessNode.StartAsync();
        string? last;
        using (var feed = await KvFeed.OpenAsync(node.Address, stop: Stop))
        {
            await feed.NextOfAsync(Stop, "checkpoint");
            for (var i = 0; i < 5; i++) await node.Client.PutAsync("k", KvClient.Number(i));
            Assert.Equal(["0", "1", "2"], (await feed.ChangesAsync(3, Stop)).Select(change => change.Value));
            last = feed.LastId;
        }

        await node.Client.PutAsync("k", "5");
        using var again = await KvFeed.OpenAsync(node.Address, "?from=beginning", last, stop: Stop);
        Assert.Equal(["3", "4", "5"], (await again.ChangesAsync(3, Stop)).Select(change => change.Value));
        using var byQuery = await KvFeed.OpenAsync(node.Address, $"?since={last}", stop: Stop);
        Assert.Equal(["3", "4", "5"], (await byQuery.ChangesAsync(3, Stop)).Select(change => change.Value));
    }

    [Fact]
    public async Task Where_the_log_was_trimmed_the_newest_of_what_has_changed_comes_as_a_snapshot()
    {
        await using var node = await InProcessNode.StartAsync(options: [.. Trimming, "--Retention:TombstoneInterval=1.00:00:00"]);
        await node.Client.PutAsync("old", "1");
        await node.Client.PutAsync("gone", "1");
        var last = await CheckpointAsync(node);
        for (var i = 0; i < 5; i++) await node.Client.PutAsync("k", KvClient.Number(i));
        await node.Client.DeleteAsync("gone");
        await UntilTrimmedAsync(node);

        using var feed = await KvFeed.OpenAsync(node.Address, "", last, stop: Stop);
        Assert.False((await feed.NextOfAsync(Stop, "snapshot", "put")).Json.GetProperty("all").GetBoolean());
        var told = await feed.ChangesAsync(2, Stop);
        Assert.Equal([("gone", null), ("k", "4")], told.Select(change => (change.Key, change.Value)).OrderBy(change => change.Key, StringComparer.Ordinal));
        Assert.NotNull((await feed.NextOfAsync(Stop, "checkpoint", "put", "delete")).Id);
    }

    [Fact]
    public async Task Where_a_deletion_may_have_been_forgotten_the_client_is_told_to_begin_anew()
    {
        await using var node = await InProcessNode.StartAsync(options: [.. Trimming, "--Retention:TombstoneInterval=00:00:00.05"]);
        await node.Client.PutAsync("gone", "1");
        var last = await CheckpointAsync(node);
        await node.Client.DeleteAsync("gone");
        await node.Client.PutAsync("k", "1");
        await UntilTrimmedAsync(node);
        var replica = node.Service<ReplicaState>();
        await replica.Snapshot.WaitAsync(snapshot => snapshot.Held.Tombstones == 0, Stop);

        using var feed = await KvFeed.OpenAsync(node.Address, "", last, stop: Stop);
        Assert.Equal(410, feed.Status);
        Assert.Contains("/problems/resume-point-too-old", await feed.BodyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_comes_again_hears_the_cause_before_its_effect_although_the_cause_is_deleted_and_all_know_of_it()
    {
        // Nothing is trimmed, and nothing else keeps the deletion from being forgotten.
        await using var node = await InProcessNode.StartAsync(options: ["--Retention:ReviewInterval=00:00:00.05", "--Retention:TombstoneInterval=00:00:00.05"]);
        var last = await CheckpointAsync(node);
        var cause = await node.Client.PutAsync("cause", "1");
        var effect = await node.Client.PutAsync("effect", "1", cause.Token);
        await node.Client.DeleteAsync("cause", effect.Token);
        await UntilItWaitsForTheLogAsync(node);

        using var feed = await KvFeed.OpenAsync(node.Address, "", last, stop: Stop);
        Assert.Equal([("put", "cause"), ("put", "effect"), ("delete", "cause")], (await feed.ChangesAsync(3, Stop)).Select(change => (change.Type, change.Key)));
    }

    [Fact]
    public async Task Who_reads_a_snapshot_slowly_is_told_it_once_and_then_what_was_deleted_meanwhile_however_long_it_took()
    {
        const int Keys = 40;
        await using var node = await InProcessNode.StartAsync(options: [.. Trimming, "--Retention:TombstoneInterval=00:00:00.05"]);
        // More than lies between the node and a client that does not read.
        var value = $"\"{new string('x', 900_000)}\"";
        for (var i = 0; i < Keys; i++) await node.Client.PutAsync($"big{i}", value);
        await UntilTrimmedAsync(node);
        using var feed = await KvFeed.OpenAsync(node.Address, "?from=beginning", stop: Stop);
        await feed.NextOfAsync(Stop, "snapshot");
        var first = (await feed.ChangesAsync(1, Stop)).Single();
        await node.Client.DeleteAsync(first.Key);
        await node.Client.PutAsync("later", "1");
        // All know of it, and more than enough could be trimmed.
        await UntilItWaitsForTheLogAsync(node);

        var told = new List<FeedEvent>();
        do told.Add(await feed.NextOfAsync(Stop, "snapshot", "put", "delete", "checkpoint"));
        while (told[^1].Type != "checkpoint");
        Assert.DoesNotContain(told, change => change.Type == "snapshot");
        Assert.Equal(Keys - 1, told.Count(change => change.Type == "put" && change.Key != "later"));
        Assert.Equal(first.Key, Assert.Single(told, change => change.Type == "delete").Key);
        Assert.Contains(told, change => change is { Type: "put", Key: "later" });
        await UntilTrimmedAsync(node);
    }

    [Fact]
    public async Task A_feed_with_nothing_to_tell_says_so_and_moves_its_resume_point()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Changes:HeartbeatInterval=00:00:00.2"]);
        using var feed = await KvFeed.OpenAsync(node.Address, "?prefix=none", stop: Stop);
        var first = await feed.NextOfAsync(Stop, "checkpoint");
        Assert.Equal("comment", (await feed.NextAsync(Stop))!.Type);
        await node.Client.PutAsync("other", "1");
        Assert.NotEqual(first.Id, (await feed.NextOfAsync(Stop, "checkpoint")).Id);
    }

    [Fact]
    public async Task A_node_that_stops_tells_its_clients_to_come_again()
    {
        var node = await InProcessNode.StartAsync();
        using var feed = await KvFeed.OpenAsync(node.Address, stop: Stop);
        await feed.NextOfAsync(Stop, "checkpoint");
        var stopping = node.DisposeAsync();
        await feed.NextOfAsync(Stop, "reconnect");
        Assert.Null(await feed.NextAsync(Stop));
        await stopping;
    }

    [Fact]
    public async Task One_feed_too_many_is_refused_and_a_place_is_free_when_a_client_has_gone()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Changes:MaxFeeds=1"]);
        using (var feed = await KvFeed.OpenAsync(node.Address, stop: Stop))
        {
            await feed.NextOfAsync(Stop, "checkpoint");
            var refused = await node.Client.GetPathAsync("/key-value-store-changes");
            Assert.Equal((503, "1"), (refused.Status, refused.Header("Retry-After")));
        }

        await Eventually.Async(async () =>
        {
            using var next = await KvFeed.OpenAsync(node.Address, stop: Stop);
            return next.Status == 200;
        }, TimeSpan.FromSeconds(10), "the place is free");
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_given_up()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Changes:MaxFeeds=1", "--Rest:AnswerTimeout=00:00:01"]);
        var value = $"\"{new string('x', 900_000)}\"";
        for (var i = 0; i < 16; i++) await node.Client.PutAsync($"big{i}", value);
        using var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync("127.0.0.1", node.Port, Stop);
        await client.GetStream().WriteAsync("GET /key-value-store-changes?from=beginning HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Stop);
        await UntilAsync(503);
        await UntilAsync(200);

        Task UntilAsync(int status) => Eventually.Async(async () =>
        {
            using var next = await KvFeed.OpenAsync(node.Address, stop: Stop);
            return next.Status == status;
        }, TimeSpan.FromSeconds(20), $"another feed is answered {status}");
    }

    [Fact]
    public async Task What_cannot_be_read_is_refused_with_a_reason()
    {
        await using var node = await InProcessNode.StartAsync();
        var point = await CheckpointAsync(node);
        await RefusedAsync("?from=yesterday", "From must be now or beginning");
        await RefusedAsync("?since=nothing", "Resume point is malformed");
        await RefusedAsync($"?since={point[..^1]}", "Resume point is malformed");
        await RefusedAsync($"?prefix=a&since={point}", "Resume point is of another prefix");
        await RefusedAsync("?prefix=%FF", "Prefix is not valid UTF-8");
        await RefusedAsync($"?prefix={new string('a', 51)}", "Prefix is too long");
        await RefusedAsync("?causal-metadata=nothing", "Causal metadata is malformed");
        Assert.Equal(405, (await node.Client.SendAsync(HttpMethod.Post, "/key-value-store-changes")).Status);

        async Task RefusedAsync(string query, string error)
        {
            var answer = await node.Client.GetPathAsync("/key-value-store-changes" + query);
            Assert.Equal((400, error, "Error in GET"), (answer.Status, answer.Error, answer.Message));
        }
    }

    private static string[] Trimming => ["--Retention:ReviewInterval=00:00:00.05", "--Retention:MinTrimRecords=1"];

    private async Task<string> CheckpointAsync(InProcessNode node)
    {
        using var feed = await KvFeed.OpenAsync(node.Address, stop: Stop);
        return (await feed.NextOfAsync(Stop, "checkpoint")).Id!;
    }

    private static async Task UntilItWaitsForTheLogAsync(InProcessNode node) => await Eventually.Async(
        () => Task.FromResult(node.Service<TombstoneCensus>().WaitingFor(TombstoneWait.Log)), waiting => waiting == 1, TimeSpan.FromSeconds(20), "the deletion waits for nothing but the log");

    private async Task UntilTrimmedAsync(InProcessNode node) => await node.Service<ReplicaState>().Snapshot.WaitAsync(snapshot => snapshot.LogRecords == 0, Stop);
}
