using System.Diagnostics;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Hosting.Drain;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Tests.Rest;
using Kv.TestSupport;
using Microsoft.Extensions.Hosting;

namespace Kv.Node.Tests.Hosting;

/// <summary>What a node that was told to end does with whoever asks it.</summary>
public class DrainingTests
{
    private const string Slow = "PUT /key-value-store/slow HTTP/1.1\r\nHost: kv\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"value\"";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task While_it_leaves_it_serves_is_not_ready_and_asks_for_the_connection_to_be_closed()
    {
        await using var node = await InProcessNode.StartAsync();
        Assert.Null((await node.Client.PutAsync("k", "1")).Header("Connection"));
        node.Service<RequestIntake>().BeginLeaving();
        var served = await node.Client.PutAsync("k", "2");
        Assert.Equal((200, "close"), (served.Status, served.Header("Connection")));
    }

    [Fact]
    public async Task What_is_under_way_is_finished_what_is_new_is_refused_and_probes_are_answered()
    {
        await using var node = await InProcessNode.StartAsync();
        using var underWay = await RawConnection.OpenAsync(node.Port);
        await underWay.SendAsync(Slow);
        await Eventually.Async(() => Task.FromResult(node.Service<RequestIntake>().UnderWay), count => count == 1, Bound, "the request is under way");

        // Nobody else is in the view, so there is no grace.
        Told(node);
        Assert.True(node.Service<RequestIntake>().IsClosed);
        var refused = await node.Client.GetAsync("k");
        Assert.Equal((503, "Node is stopping", "Error in GET", "1", "close"), (refused.Status, refused.Error, refused.Message, refused.Header("Retry-After"), refused.Header("Connection")));
        Assert.Equal((503, "Draining"), await AskAsync(node, "/readyz"));
        Assert.Equal(200, (await node.Client.GetPathAsync("/livez")).Status);
        Assert.Equal(200, (await node.Client.GetPathAsync("/metrics")).Status);
        Assert.False(Stopping(node).IsCancellationRequested);

        await underWay.SendAsync(": 1}");
        Assert.StartsWith("HTTP/1.1 201", await underWay.ReadToEndAsync());
        await UntilStoppingAsync(node);
    }

    [Theory]
    [InlineData("/key-value-store-changes", "event: reconnect")]
    [InlineData("/key-value-store-view/events", "event: end")]
    public async Task A_stream_without_an_end_ends_and_says_so_and_does_not_hold_up_the_drain(string path, string farewell)
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Drain:Limit=01:00:00"]);
        using var stream = await RawConnection.OpenAsync(node.Port);
        await stream.SendAsync($"GET {path} HTTP/1.1\r\nHost: kv\r\nConnection: close\r\n\r\n");
        await Eventually.Async(() => Task.FromResult(node.Service<RequestIntake>().UnderWay == 1 && stream.HasSomething), Bound, "the stream is under way");
        Told(node);
        await UntilStoppingAsync(node);
        Assert.Contains(farewell, await stream.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_end_is_ended_at_the_limit()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Drain:Grace=00:00:00", "--Drain:Limit=00:00:00.3"]);
        using var hanging = await RawConnection.OpenAsync(node.Port);
        await hanging.SendAsync(Slow);
        await Eventually.Async(() => Task.FromResult(node.Service<RequestIntake>().UnderWay), count => count == 1, Bound, "the request is under way");
        var watch = Stopwatch.StartNew();
        Told(node);
        await UntilStoppingAsync(node);
        Assert.True(watch.Elapsed >= TimeSpan.FromSeconds(0.25), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Drain:Limit=01:00:00"]);
        using var hanging = await RawConnection.OpenAsync(node.Port);
        await hanging.SendAsync(Slow);
        await Eventually.Async(() => Task.FromResult(node.Service<RequestIntake>().UnderWay), count => count == 1, Bound, "the request is under way");
        Told(node);
        Assert.False(Stopping(node).IsCancellationRequested);
        Told(node);
        await UntilStoppingAsync(node);
    }

    [Fact]
    public async Task What_a_peer_forwards_to_one_that_takes_nothing_is_told_to_go_to_another_replica()
    {
        await using var node = await InProcessNode.StartAsync();
        var epoch = node.Service<Published<ClusterTopology>>().Current.Epoch;
        var request = new ForwardRequest(7, epoch, ForwardedOperation.Get, new Key("k"), default, default, default, TimeSpan.FromSeconds(5), new(0));
        Assert.IsType<Outcome.Absent>((await node.Service<ForwardedRequests>().AnswerAsync(request)).Outcome);
        node.Service<RequestIntake>().Close();

        // Of no newer epoch: the forwarding node would look at the topology again instead.
        var outcome = Assert.IsType<Outcome.NotOwner>((await node.Service<ForwardedRequests>().AnswerAsync(request)).Outcome);
        Assert.Equal(epoch, outcome.Epoch);
    }

    private static void Told(InProcessNode node) => ((DrainingLifetime)node.Service<IHostLifetime>()).Signalled();

    private static CancellationToken Stopping(InProcessNode node) => node.Service<IHostApplicationLifetime>().ApplicationStopping;

    private static Task UntilStoppingAsync(InProcessNode node) =>
        Eventually.Async(() => Task.FromResult(Stopping(node).IsCancellationRequested), Bound, "the node ends");

    private static async Task<(int Status, string Error)> AskAsync(InProcessNode node, string path) => await node.Client.GetPathAsync(path) is var answer ? (answer.Status, answer.Error) : default;
}
