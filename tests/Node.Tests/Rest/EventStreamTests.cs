using System.Text;
using System.Text.Json;
using Kv.Node.Rest;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

/// <summary>Server-sent events, as they go over the wire, of nodes of their own.</summary>
public sealed class EventStreamTests
{
    private const string Path = "/key-value-store-view/events";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_subscriber_is_told_what_has_happened_then_the_ring_then_the_status_again_and_again()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Observation:LookInterval=00:00:00.05", "--Observation:StatusInterval=00:00:00.1"]);
        await using var stream = await Subscription.OpenAsync(node);
        Assert.Equal((200, "text/event-stream"), (stream.Status, stream.ContentType));
        var first = await stream.NextAsync();
        Assert.Equal(("happening", "watch-begun"), (first.Name, first.Data.GetProperty("kind").GetString()));
        Assert.NotNull(first.Id);
        var ring = await stream.NextAsync(next => next.Name != "happening");
        Assert.Equal("ring", ring.Name);
        for (var i = 0; i < 3; i++)
        {
            var status = await stream.NextAsync(next => next.Name != "happening");
            Assert.Equal(("status", node.Address), (status.Name, status.Data.GetProperty("socket-address").GetString()));
        }
    }

    [Fact]
    public async Task Whoever_comes_back_with_its_last_id_is_not_told_again()
    {
        await using var node = await InProcessNode.StartAsync();
        string last;
        await using (var stream = await Subscription.OpenAsync(node))
        {
            last = (await stream.NextAsync()).Id!;
        }

        await using (var again = await Subscription.OpenAsync(node, lastId: last))
        {
            Assert.NotEqual(last, (await again.NextAsync()).Id);
        }

        await using var stranger = await Subscription.OpenAsync(node, lastId: "0-1");
        Assert.Equal(last, (await stranger.NextAsync()).Id);
    }

    [Fact]
    public async Task Without_the_status_only_events_come_and_comments_in_between()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Observation:LookInterval=00:00:00.05", "--Observation:KeepAliveInterval=00:00:00.1"]);
        await using var stream = await Subscription.OpenAsync(node, "?status=off");
        Assert.Equal("happening", (await stream.NextAsync()).Name);
        var comment = await stream.NextAsync(next => next.Name is not "happening");
        Assert.Equal("comment", comment.Name);
    }

    [Fact]
    public async Task More_subscribers_than_are_allowed_are_refused_until_one_goes()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Observation:MaxSubscribers=1", "--Rest:MaxOtherRequests=1"]);
        await using (var stream = await Subscription.OpenAsync(node))
        {
            await stream.NextAsync();
            AnswerAssert.Unavailable(await node.Client.GetPathAsync(Path), "Too many subscribers", "Error in GET");
            // Whoever watches takes nothing from those who ask.
            Assert.Equal(200, (await node.Client.GetPathAsync("/key-value-store-view/status")).Status);
        }

        await Eventually.Async(
            async () =>
            {
                await using var next = await Subscription.OpenAsync(node);
                return next.Status == 200;
            },
            Bound,
            "the place is free again");
    }

    [Fact]
    public async Task A_node_that_stops_says_so_and_does_not_wait_for_its_subscribers()
    {
        var node = await InProcessNode.StartAsync();
        await using var stream = await Subscription.OpenAsync(node);
        await stream.NextAsync();
        var stopping = node.DisposeAsync().AsTask();
        var end = await stream.NextAsync(next => next.Name == "end");
        Assert.Equal("Node is stopping", end.Data.GetProperty("reason").GetString());
        await stopping;
    }

    [Fact]
    public async Task Subscribers_that_do_not_read_are_given_up_and_their_places_are_free_again()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Observation:MaxSubscribers=2", "--Rest:AnswerTimeout=00:00:00.5"]);
        var stream = node.Service<EventStream>();
        UnreadAnswer[] unread = [new(), new()];
        var served = unread.Select(answer => stream.ServeAsync(answer.Context)).ToList();
        AnswerAssert.Unavailable(await node.Client.GetPathAsync(Path), "Too many subscribers", "Error in GET");
        await Task.WhenAll(served).WaitAsync(Bound);
        Assert.All(unread, answer => Assert.True(answer.Context.RequestAborted.IsCancellationRequested));
        await using var next = await Subscription.OpenAsync(node);
        Assert.Equal(200, next.Status);
    }

    private sealed record Told(string Name, string? Id, JsonElement Data);

    private sealed class Subscription : IAsyncDisposable
    {
        private readonly HttpClient _http;
        private readonly HttpResponseMessage _response;
        private readonly StreamReader _reader;

        private Subscription(HttpClient http, HttpResponseMessage response, Stream body)
        {
            (_http, _response) = (http, response);
            _reader = new(body, Encoding.UTF8);
        }

        public int Status => (int)_response.StatusCode;

        public string? ContentType => _response.Content.Headers.ContentType?.MediaType;

        public static async Task<Subscription> OpenAsync(InProcessNode node, string query = "", string? lastId = null)
        {
            var http = new HttpClient();
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{node.Address}{Path}{query}");
            if (lastId is not null) request.Headers.Add("Last-Event-ID", lastId);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            return new(http, response, await response.Content.ReadAsStreamAsync());
        }

        public async Task<Told> NextAsync(Func<Told, bool> wanted)
        {
            while (true)
            {
                if (await NextAsync() is var told && wanted(told)) return told;
            }
        }

        public async Task<Told> NextAsync()
        {
            using var bound = new CancellationTokenSource(Bound);
            var (name, id, data) = ("comment", (string?)null, "null");
            while (await _reader.ReadLineAsync(bound.Token) is { } line)
            {
                if (line.Length == 0) return new(name, id, JsonDocument.Parse(data).RootElement);
                if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
                if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
                if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            }

            throw new EndOfStreamException("The stream has ended.");
        }

        public ValueTask DisposeAsync()
        {
            _reader.Dispose();
            _response.Dispose();
            _http.Dispose();
            return default;
        }
    }
}
