using System.Net.Sockets;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

/// <summary>Clients that take more than their share, over real connections: each is bounded, and the others are served.</summary>
public sealed class CrowdTests
{
    private const string Busy = "Node is overloaded";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Idle_connections_make_room_and_one_on_which_something_is_under_way_does_not()
    {
        await using var node = await InProcessNode.StartAsync(
            absent: [Absent], options: ["--Rest:MaxConnections=20", "--Rest:Patience=00:00:00.2", "--Requests:WriteConcernWait=00:00:05"]);
        using var waiting = await RawConnection.OpenAsync(node.Port);
        await waiting.SendAsync(Put("waiting", "1", "?w=all"));
        var crowd = new List<RawConnection>();
        try
        {
            for (var i = 0; i < 60; i++)
            {
                if (await TryOpenAsync(node.Port) is { } connection) crowd.Add(connection);
            }

            using var other = new KvClient(node.Address);
            await UntilServedAsync(other, c => c.GetPathAsync("/livez"), 200);
            await UntilServedAsync(other, c => c.PutAsync("key", "1"), 201);
            Assert.InRange(crowd.Count(connection => !connection.IsEnded), 0, 20);
            // It was first and waits longest, but it is not idle.
            Assert.StartsWith("HTTP/1.1 503 ", await waiting.ReadOneAsync());
        }
        finally
        {
            crowd.ForEach(connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task Headers_that_do_not_end_have_their_time()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Rest:HeadersTimeout=00:00:01"]);
        using var slow = await RawConnection.OpenAsync(node.Port);
        await slow.SendAsync("GET /key-value-store/key HTTP/1.1\r\nHost: x\r\nX-Slow: ");
        var answer = slow.ReadToEndAsync();
        AnswerAssert.Stored(await node.Client.PutAsync("key", "1"), replaced: false);
        Assert.StartsWith("HTTP/1.1 408 ", await answer);
    }

    [Fact]
    public async Task A_body_that_does_not_end_has_its_time_and_is_told_so_in_json()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Rest:BodyTimeout=00:00:01"]);
        using var slow = await RawConnection.OpenAsync(node.Port);
        await slow.SendAsync("PUT /key-value-store/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"value\":");
        var answer = await slow.ReadOneAsync();
        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.Contains("\"error\":\"Request took too long to arrive\",\"message\":\"Error in PUT\"", answer);
        AnswerAssert.Absent(await node.Client.GetAsync("slow"), "GET");
    }

    [Fact]
    public async Task A_crowd_of_slow_bodies_keeps_out_neither_bodies_that_come_at_once_nor_large_ones()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Rest:MaxSlowBodies=4", "--Rest:Patience=00:00:00.2", "--Rest:BodyTimeout=00:01:00"]);
        var crowd = new List<RawConnection>();
        try
        {
            for (var i = 0; i < 12; i++)
            {
                crowd.Add(await RawConnection.OpenAsync(node.Port));
                await crowd[^1].SendAsync($"PUT /key-value-store/slow{i} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{");
            }

            // Those that found no place are told so.
            await Eventually.Async(() => Task.FromResult(crowd.Count(IsAnswered) >= 8), Soon, "eight of twelve slow bodies are refused");
            Assert.Equal(4, crowd.Count(connection => !IsAnswered(connection)));
            foreach (var refused in crowd.Where(IsAnswered).ToList())
            {
                var answer = await refused.ReadOneAsync();
                Assert.StartsWith("HTTP/1.1 503 ", answer);
                Assert.Contains("Retry-After: 1", answer);
                Assert.Contains($"\"error\":\"{Busy}\",\"message\":\"Error in PUT\"", answer);
            }

            AnswerAssert.Stored(await node.Client.PutAsync("quick", "1"), replaced: false);
            await UntilServedAsync(node.Client, c => c.PutAsync("large", $"\"{new string('x', 900_000)}\""), 201);
        }
        finally
        {
            crowd.ForEach(connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task Clients_that_never_read_are_ended_and_hold_up_nobody()
    {
        await using var node = await InProcessNode.StartAsync(
            options: ["--Rest:MaxSlowAnswers=2", "--Rest:Patience=00:00:00.1", "--Rest:AnswerTimeout=00:00:01"]);
        AnswerAssert.Stored(await node.Client.PutAsync("large", $"\"{new string('x', 1_000_000)}\""), replaced: false);
        var crowd = new List<RawConnection>();
        try
        {
            // More than the two ends of a connection hold between them.
            var many = string.Concat(Enumerable.Repeat("GET /key-value-store/large HTTP/1.1\r\nHost: x\r\n\r\n", 24));
            for (var i = 0; i < 8; i++)
            {
                crowd.Add(await RawConnection.OpenAsync(node.Port, receiveBuffer: 4096));
                await crowd[^1].SendAsync(many);
                // Somebody else's may be broken off only if it takes longer than the patience, and this one is read at once.
                Assert.Equal(200, (await node.Client.GetAsync("large")).Status);
            }

            foreach (var connection in crowd) await Eventually.Async(() => IsResetAsync(connection), Soon, "the connection is ended");
            Assert.Equal(200, (await node.Client.GetAsync("large")).Status);
        }
        finally
        {
            crowd.ForEach(connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task Clients_that_never_read_what_replicas_hold_are_ended_and_hold_up_nobody()
    {
        await using var node = await InProcessNode.StartAsync(
            options: ["--Rest:MaxOtherRequests=3", "--Rest:MaxSlowAnswers=2", "--Rest:Patience=00:00:00.1", "--Rest:AnswerTimeout=00:00:01"]);
        AnswerAssert.Stored(await node.Client.PutAsync("large", $"\"{new string('x', 1_000_000)}\""), replaced: false);
        var many = string.Concat(Enumerable.Repeat("GET /key-value-store-view/replicas-of/large HTTP/1.1\r\nHost: x\r\n\r\n", 24));
        var crowd = new List<RawConnection>();
        try
        {
            for (var i = 0; i < 6; i++)
            {
                crowd.Add(await RawConnection.OpenAsync(node.Port, receiveBuffer: 4096));
                await crowd[^1].SendAsync(many);
                await UntilServedAsync(node.Client, c => c.GetPathAsync("/key-value-store-view"), 200);
            }

            // Those that found no place were refused all that they asked for, and wait for nothing.
            await Eventually.Async(async () => (await Task.WhenAll(crowd.Select(IsResetAsync))).Contains(true), Soon, "somebody's connection is ended");
            await UntilServedAsync(node.Client, c => c.GetPathAsync("/key-value-store-view"), 200);
        }
        finally
        {
            crowd.ForEach(connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task A_body_without_end_is_refused_when_it_is_too_large()
    {
        await using var node = await InProcessNode.StartAsync();
        using var huge = await RawConnection.OpenAsync(node.Port);
        await huge.SendAsync("PUT /key-value-store/huge HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n{\"value\":\"");
        var refused = await huge.ReadOneAsync();
        Assert.StartsWith("HTTP/1.1 413 ", refused);
        Assert.Contains("Connection: close", refused);
        // On a path that takes no body at all, too.
        using var odd = await RawConnection.OpenAsync(node.Port);
        await odd.SendAsync("POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 4", await odd.ReadOneAsync());
        AnswerAssert.Absent(await node.Client.GetAsync("huge"), "GET");
    }

    [Fact]
    public async Task Past_the_bound_writes_are_shed_with_a_retry_after_and_reads_and_probes_are_not()
    {
        await using var node = await InProcessNode.StartAsync(absent: [Absent], options: ["--Requests:MaxWrites=2", "--Requests:WriteConcernWait=00:00:20"]);
        using var one = await RawConnection.OpenAsync(node.Port);
        using var two = await RawConnection.OpenAsync(node.Port);
        await one.SendAsync(Put("one", "1", "?w=all"));
        await two.SendAsync(Put("two", "1", "?w=all"));
        await Eventually.Async(async () => (await node.Client.SendAsync(HttpMethod.Delete, KvClient.PathOf("shed"))).Status == 503, Soon, "both writes are under way");
        AnswerAssert.Unavailable(await node.Client.PutAsync("shed", "1"), Busy, "Error in PUT");
        AnswerAssert.Unavailable(await node.Client.DeleteAsync("shed"), Busy, "Error in DELETE");
        Assert.Equal(200, (await node.Client.GetPathAsync("/readyz")).Status);
        Assert.Contains("kv_shed_total{", (await node.Client.GetPathAsync("/metrics")).Body);
        AnswerAssert.Absent(await node.Client.GetAsync("shed"), "GET");
    }

    [Fact]
    public async Task Only_so_many_wait_for_more_replicas_than_there_are_and_the_others_do_not_wait_with_them()
    {
        await using var node = await InProcessNode.StartAsync(absent: [Absent], options: ["--Requests:MaxWaiting=2", "--Requests:WriteConcernWait=00:00:20"]);
        using var one = await RawConnection.OpenAsync(node.Port);
        using var two = await RawConnection.OpenAsync(node.Port);
        await one.SendAsync(Put("one", "1", "?w=all"));
        await two.SendAsync(Put("two", "1", "?w=all"));
        using var impatient = new KvClient(node.Address, TimeSpan.FromSeconds(1));
        await Eventually.Async(
            async () => await impatient.TryAsync(c => c.PutAsync("three", "1", query: "?w=majority")) is { Status: 503 }, Soon, "two wait, and no third one may");
        AnswerAssert.Stored(await node.Client.PutAsync("default", "1"), replaced: false);
        AnswerAssert.Absent(await node.Client.GetAsync("three"), "GET");
    }

    [Fact]
    public async Task Operators_requests_have_a_bound_of_their_own()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Rest:MaxOtherRequests=1", "--Rest:BodyTimeout=00:01:00"]);
        using var slow = await RawConnection.OpenAsync(node.Port);
        await slow.SendAsync("PUT /key-value-store-shard/reshard HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
        await Eventually.Async(async () => (await node.Client.GetPathAsync("/key-value-store-view")).Status == 503, Soon, "the other one is under way");
        AnswerAssert.Unavailable(await node.Client.GetPathAsync("/key-value-store-view"), Busy, "Error in GET");
        Assert.Equal(200, (await node.Client.GetPathAsync("/readyz")).Status);
        AnswerAssert.Stored(await node.Client.PutAsync("key", "1"), replaced: false);
    }

    private static string Absent => $"127.0.0.1:{NodePorts.Take()}";

    private static string Put(string key, string json, string query = "")
    {
        var body = KvClient.BodyOf(json);
        return $"PUT /key-value-store/{key}{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}";
    }

    // Null when it is reset before anybody has noticed that it was made.
    private static async Task<RawConnection?> TryOpenAsync(int port)
    {
        try
        {
            return await RawConnection.OpenAsync(port);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private static bool IsAnswered(RawConnection connection) => connection.HasSomething;

    private static Task UntilServedAsync(KvClient client, Func<KvClient, Task<KvAnswer>> request, int status) =>
        Eventually.Async(async () => (await client.TryAsync(request))?.Status == status, Soon, $"another client gets {status}");

    // Whoever does not read learns of it when it sends.
    private static async Task<bool> IsResetAsync(RawConnection connection)
    {
        try
        {
            await connection.SendAsync("\r\n");
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
