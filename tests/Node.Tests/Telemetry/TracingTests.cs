using System.Diagnostics;
using System.Net;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers.Wire;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Telemetry;
using Kv.TestSupport;

namespace Kv.Node.Tests.Telemetry;

/// <summary>What a trace of one request shows, across nodes.</summary>
public class TracingTests
{
    [Fact]
    public async Task A_forwarded_write_is_one_trace_from_the_client_to_the_replicas_acknowledgements()
    {
        // Two replicas of the one shard, one of the other.
        var nodes = await InProcessNode.StartClusterAsync(nodes: 3, shards: 2);
        try
        {
            using var spans = new SpanRecorder();
            var topology = nodes[0].Service<Published<ClusterTopology>>().Current;
            var replicated = topology.Shards.Single(shard => shard.Members.Length == 2);
            var asked = nodes.Single(node => !replicated.Includes(NodeAddress.Parse(node.Address)));
            var key = Enumerable.Range(0, 1000).Select(i => $"k{i}").First(name => topology.ShardOf(new Key(name)).Id == replicated.Id);
            using var request = new HttpRequestMessage(HttpMethod.Put, $"http://{asked.Address}{KvClient.PathOf(key)}?w=all") { Content = new StringContent(KvClient.BodyOf("1")) };
            request.Headers.Add("traceparent", spans.TraceParent);
            using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
            using var answer = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);

            var trace = await spans.WholeAsync();
            var put = Only("PUT /key-value-store/{key}", spans.Client, ActivityKind.Server);
            Assert.Equal(asked.Address, put.GetTagItem(KvTracing.NodeTag));
            Assert.Equal(201, put.GetTagItem("http.response.status_code"));
            var forward = Only("forward Put", put.SpanId, ActivityKind.Client);
            Assert.Equal("Stored", forward.GetTagItem("kv.outcome"));
            var serve = Only("serve Put", forward.SpanId, ActivityKind.Server);
            Assert.Equal(forward.GetTagItem("kv.peer"), serve.GetTagItem(KvTracing.NodeTag));
            Assert.NotEqual(asked.Address, serve.GetTagItem(KvTracing.NodeTag));
            var commit = Only("commit", serve.SpanId, ActivityKind.Internal);
            var wait = Only("replication wait", serve.SpanId, ActivityKind.Internal);
            Assert.Equal(2, wait.GetTagItem("kv.replicas"));
            var acknowledged = Assert.Single(wait.Events, happened => happened.Name == "acknowledged");
            var other = replicated.Members.Single(member => member.ToString() != (string?)serve.GetTagItem(KvTracing.NodeTag));
            Assert.Contains(acknowledged.Tags, tag => tag is { Key: "kv.peer" } && (string?)tag.Value == other.ToString());
            Assert.Equal(5, trace.Count);

            // One sync belongs to many requests: a trace of its own, and both say so.
            var group = Assert.Single(spans.All, span => span.DisplayName == "group commit" && span.Links.Any(link => link.Context.SpanId == commit.SpanId));
            Assert.Equal((default, true), (group.ParentSpanId, group.TraceId != spans.Trace));
            Assert.Equal(group.SpanId, Assert.Single(commit.Links).Context.SpanId);

            Activity Only(string name, ActivitySpanId parent, ActivityKind kind) =>
                Assert.Single(trace, span => span.DisplayName == name && span.ParentSpanId == parent && span.Kind == kind);
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_wait_for_the_past_that_does_not_come_is_a_span_that_failed()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Requests:CausalWait=00:00:00.2"]);
        using var spans = new SpanRecorder();
        var self = node.Service<NodeIdentity>();
        var topology = node.Service<Published<ClusterTopology>>().Current;
        var never = new Dot(new(new Incarnation(self.Incarnation.Value + 1), topology.GroupOf(new(0))), 1);
        var token = new CausalToken(topology.Epoch, default, VersionVector.Of([never]));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{node.Address}/key-value-store/k");
        request.Headers.Add("traceparent", spans.TraceParent);
        request.Headers.Add("Causal-Metadata", System.Buffers.Text.Base64Url.EncodeToString(node.Service<CausalTokenCodec>().Seal(token)));
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        var trace = await spans.WholeAsync();
        Assert.All(trace, span => Assert.Equal(ActivityStatusCode.Error, span.Status));
        Assert.Equal(["GET /key-value-store/{key}", "causal wait"], trace.Select(span => span.DisplayName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Probes_and_metrics_are_not_traced_and_what_is_no_traceparent_begins_a_new_trace()
    {
        await using var node = await InProcessNode.StartAsync();
        using var spans = new SpanRecorder();
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        foreach (var path in (string[])["/readyz", "/livez", "/metrics", "/key-value-store-view"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{node.Address}{path}");
            request.Headers.Add("traceparent", spans.TraceParent);
            using var answer = await http.SendAsync(request);
        }

        Assert.Equal(["GET /key-value-store-view"], (await spans.WholeAsync()).Select(span => span.DisplayName));

        foreach (var odd in (string[])["", "00-0-0-00", new string('f', 10_000), "ff-" + spans.Trace + "-" + spans.Client + "-01"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{node.Address}/key-value-store/k");
            request.Headers.TryAddWithoutValidation("traceparent", odd);
            using var answer = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public void A_forwarded_request_carries_its_span_and_one_without_carries_nothing()
    {
        var context = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, "vendor=1");
        var request = new ForwardRequest(1, new(1), ForwardedOperation.Get, new Key("k"), default, default, default, TimeSpan.FromSeconds(1), new(0));
        var traced = (request with { Trace = context }).ToWire().ToDomain().Trace;
        Assert.Equal((context.TraceId, context.SpanId, context.TraceFlags, context.TraceState, true), (traced.TraceId, traced.SpanId, traced.TraceFlags, traced.TraceState, traced.IsRemote));

        var wire = request.ToWire();
        Assert.Equal(("", ""), (wire.TraceParent, wire.TraceState));
        Assert.Equal(default, wire.ToDomain().Trace);
        wire.TraceParent = "no trace";
        Assert.Equal(default, wire.ToDomain().Trace);
    }
}
