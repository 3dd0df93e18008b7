using System.Globalization;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

/// <summary>A request that is answered in a way that the OpenAPI document describes.</summary>
/// <param name="Method">Of the request.</param>
/// <param name="Path">As the document has it.</param>
/// <param name="Status">Of the answer.</param>
/// <param name="AskAsync">Sends it.</param>
internal sealed record OpenApiExample(string Method, string Path, int Status, Func<SingleNode, Task<KvAnswer>> AskAsync)
{
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Method} {Path} {Status}");
}

/// <summary>
/// One request for each answer that the document describes. For a new route: describe it in src/Node/Rest/openapi.json, and add a line here for each of its statuses; one that a node alone
/// never gives goes to <see cref="NotHere"/>, with the reason.
/// </summary>
internal static class OpenApiExamples
{
    private const string Key = "/key-value-store/{key}";
    private const string List = "/key-value-store";
    private const string Changes = "/key-value-store-changes";
    private const string Batch = "/key-value-store-batch";
    private const string View = "/key-value-store-view";
    private const string Shard = "/key-value-store-shard";
    private const string Anybody = """{"socket-address":"127.0.0.1:9"}""";

    private static readonly string Large = $"\"{new string('x', 1 << 20)}\"";

    public static readonly IReadOnlyDictionary<string, string> NotHere = new Dictionary<string, string>
    {
        [$"PUT {Key} 507"] = "needs a full disk: FullDiskTests",
        [$"DELETE {Key} 507"] = "needs a full disk: FullDiskTests",
        [$"PUT {View} 201"] = "needs a second node: MembershipTests",
        [$"PUT {View} 409"] = "needs a reshard under way: ReshardTests",
        [$"DELETE {View} 200"] = "needs a second node: MembershipTests",
        [$"DELETE {View} 503"] = "needs a lost quorum: MembershipTests",
        [$"GET {View}/events 200"] = "does not end: EventStreamTests",
        [$"GET {View}/events 503"] = "needs as many subscribers as are allowed: EventStreamTests",
        [$"GET {Shard}/node-shard-id 404"] = "needs a node without a shard: MembershipTests",
        [$"PUT {Shard}/add-member/{{id}} 409"] = "needs a second shard: MembershipTests",
        [$"PUT {Shard}/add-member/{{id}} 503"] = "needs a node that is being filled: MembershipTests",
        [$"PUT {Shard}/reshard 200"] = "needs two nodes: ListingAcrossShardsTests",
        [$"PUT {Shard}/reshard 409"] = "needs a reshard under way: ReshardTests",
        [$"PUT {Shard}/reshard 503"] = "needs a lost quorum: MembershipTests",
        [$"DELETE {Shard}/reshard 200"] = "needs a reshard under way: ReshardTests",
        [$"DELETE {Shard}/reshard 409"] = "needs a reshard that ends meanwhile",
        [$"DELETE {Shard}/reshard 503"] = "needs a lost quorum: MembershipTests",
        [$"GET {Changes} 200"] = "is a stream: FeedTests",
        [$"GET {Changes} 410"] = "needs deletions that are forgotten: FeedTests",
        [$"GET {Changes} 503"] = "needs too many feeds: FeedTests",
        [$"GET {BackupFile.Path} 503"] = "needs a shard without a live replica",
        [$"PUT {BackupFile.Path} 503"] = "needs a shard without a live replica",
        [$"PUT {BackupFile.Path} 507"] = "needs a full disk: StagingAreaTests",
        [$"GET {BackupFile.Path}/digest 503"] = "needs a shard without a live replica",
        ["GET /readyz 503"] = "a node that tests share is ready",
    };

    public static IEnumerable<OpenApiExample> All =>
    [
        new("GET", Key, 200, node => WithKey(node, (client, path) => client.GetPathAsync(path))),
        new("GET", Key, 400, node => node.Client.GetPathAsync("/key-value-store/%zz")),
        new("GET", Key, 404, node => node.Client.GetAsync(SingleNode.NewKey())),
        new("GET", Key, 413, node => node.Client.SendAsync(HttpMethod.Get, "/key-value-store/a", Large)),
        new("GET", Key, 503, node => node.Client.GetAsync("a", Unknown(node))),
        new("PUT", Key, 200, node => WithKey(node, (client, path) => client.SendAsync(HttpMethod.Put, path, """{"value":{"a":[1,null]}}"""))),
        new("PUT", Key, 201, node => node.Client.PutAsync(SingleNode.NewKey(), "1")),
        new("PUT", Key, 400, node => node.Client.SendAsync(HttpMethod.Put, "/key-value-store/a", "{}")),
        new("PUT", Key, 413, node => node.Client.PutAsync("a", Large)),
        new("PUT", Key, 503, node => node.Client.PutAsync("a", "1", Unknown(node))),
        new("DELETE", Key, 200, node => WithKey(node, (client, path) => client.SendAsync(HttpMethod.Delete, path))),
        new("DELETE", Key, 400, node => node.Client.SendAsync(HttpMethod.Delete, "/key-value-store/a?w=most")),
        new("DELETE", Key, 404, node => node.Client.DeleteAsync(SingleNode.NewKey())),
        new("DELETE", Key, 413, node => node.Client.SendAsync(HttpMethod.Delete, "/key-value-store/a", Large)),
        new("DELETE", Key, 503, node => node.Client.DeleteAsync("a", Unknown(node))),

        new("GET", List, 200, node => WithKey(node, (client, _) => client.GetPathAsync($"{List}?limit=1"))),
        new("GET", List, 400, node => node.Client.GetPathAsync($"{List}?cursor=x")),
        new("GET", List, 413, node => node.Client.SendAsync(HttpMethod.Get, List, Large)),
        new("GET", List, 503, node => node.Client.GetPathAsync(List, Unknown(node))),

        new("GET", Changes, 400, node => node.Client.GetPathAsync($"{Changes}?since=x")),

        new("POST", Batch, 200, async node => await node.Client.SendAsync(HttpMethod.Post, Batch, BatchOf(SingleNode.NewKey(), SingleNode.NewKey()))),
        new("POST", Batch, 400, node => node.Client.SendAsync(HttpMethod.Post, Batch, """{"operations":[{"method":"PUT"}]}""")),
        new("POST", Batch, 413, node => node.Client.SendAsync(HttpMethod.Post, Batch, Large)),
        // No room: the tests of the batch show that what it waits for is answered in its results.
        new("POST", Batch, 503, OverloadedAsync),

        new("GET", View, 200, node => node.Client.GetPathAsync(View)),
        new("PUT", View, 400, node => node.Client.SendAsync(HttpMethod.Put, View, "{}")),
        new("PUT", View, 404, node => node.Client.SendAsync(HttpMethod.Put, View, Self(node))),
        new("PUT", View, 413, node => node.Client.SendAsync(HttpMethod.Put, View, Large)),
        new("PUT", View, 503, node => node.Client.SendAsync(HttpMethod.Put, View, Anybody)),
        new("DELETE", View, 400, node => node.Client.SendAsync(HttpMethod.Delete, View, """{"socket-address":1}""")),
        new("DELETE", View, 404, node => node.Client.SendAsync(HttpMethod.Delete, View, Anybody)),
        new("DELETE", View, 409, node => node.Client.SendAsync(HttpMethod.Delete, View, Self(node))),
        new("DELETE", View, 413, node => node.Client.SendAsync(HttpMethod.Delete, View, Large)),
        new("GET", $"{View}/convergence", 200, node => node.Client.GetPathAsync($"{View}/convergence")),
        new("GET", $"{View}/scrub", 200, node => node.Client.GetPathAsync($"{View}/scrub")),

        new("GET", $"{View}/status", 200, node => node.Client.GetPathAsync($"{View}/status")),
        new("GET", $"{View}/replicas-of/{{key}}", 200, node => WithKey(node, (client, path) => client.GetPathAsync($"{View}/replicas-of/{path.Split('/')[^1]}"))),
        new("GET", $"{View}/replicas-of/{{key}}", 400, node => node.Client.GetPathAsync($"{View}/replicas-of/%zz")),

        new("GET", $"{Shard}/shard-ids", 200, node => node.Client.GetPathAsync($"{Shard}/shard-ids")),
        new("GET", $"{Shard}/node-shard-id", 200, node => node.Client.GetPathAsync($"{Shard}/node-shard-id")),
        new("GET", $"{Shard}/shard-id-members/{{id}}", 200, node => node.Client.GetPathAsync($"{Shard}/shard-id-members/0")),
        new("GET", $"{Shard}/shard-id-members/{{id}}", 404, node => node.Client.GetPathAsync($"{Shard}/shard-id-members/7")),
        new("GET", $"{Shard}/shard-id-key-count/{{id}}", 200, node => node.Client.GetPathAsync($"{Shard}/shard-id-key-count/0")),
        new("GET", $"{Shard}/shard-id-key-count/{{id}}", 400, node => node.Client.GetPathAsync($"{Shard}/shard-id-key-count/0", "x")),
        new("GET", $"{Shard}/shard-id-key-count/{{id}}", 404, node => node.Client.GetPathAsync($"{Shard}/shard-id-key-count/x")),
        new("GET", $"{Shard}/shard-id-key-count/{{id}}", 503, node => node.Client.GetPathAsync($"{Shard}/shard-id-key-count/0", Unknown(node))),
        new("PUT", $"{Shard}/add-member/{{id}}", 200, node => node.Client.SendAsync(HttpMethod.Put, $"{Shard}/add-member/0", Self(node))),
        new("PUT", $"{Shard}/add-member/{{id}}", 400, node => node.Client.SendAsync(HttpMethod.Put, $"{Shard}/add-member/0", Anybody)),
        new("PUT", $"{Shard}/add-member/{{id}}", 404, node => node.Client.SendAsync(HttpMethod.Put, $"{Shard}/add-member/7", Self(node))),
        new("PUT", $"{Shard}/add-member/{{id}}", 413, node => node.Client.SendAsync(HttpMethod.Put, $"{Shard}/add-member/0", Large)),
        new("GET", $"{Shard}/reshard", 200, node => node.Client.ReshardStatusAsync()),
        new("PUT", $"{Shard}/reshard", 400, node => node.Client.ReshardAsync(2)),
        new("PUT", $"{Shard}/reshard", 413, node => node.Client.SendAsync(HttpMethod.Put, $"{Shard}/reshard", Large)),
        new("DELETE", $"{Shard}/reshard", 404, node => node.Client.CancelReshardAsync()),

        new("GET", BackupFile.Path, 200, node => node.Client.GetPathAsync(BackupFile.Path)),
        new("GET", BackupFile.Path, 409, node => WhileOneRuns(node, client => client.GetPathAsync(BackupFile.Path))),
        new("PUT", BackupFile.Path, 200, async node => await node.Client.SendAsync(HttpMethod.Put, $"{BackupFile.Path}?overwrite=true", (await node.Client.GetPathAsync(BackupFile.Path)).Raw)),
        new("PUT", BackupFile.Path, 400, node => node.Client.SendAsync(HttpMethod.Put, $"{BackupFile.Path}?overwrite=true", "x")),
        new("PUT", BackupFile.Path, 409, node => WithKey(node, (client, _) => client.SendAsync(HttpMethod.Put, BackupFile.Path, "x"))),
        new("GET", $"{BackupFile.Path}/digest", 200, node => node.Client.GetPathAsync($"{BackupFile.Path}/digest")),
        new("GET", $"{BackupFile.Path}/digest", 409, node => WhileOneRuns(node, client => client.GetPathAsync($"{BackupFile.Path}/digest"))),
        new("GET", $"{BackupFile.Path}/status", 200, node => node.Client.GetPathAsync($"{BackupFile.Path}/status")),

        new("GET", "/livez", 200, node => node.Client.GetPathAsync("/livez")),
        new("GET", "/readyz", 200, node => node.Client.GetPathAsync("/readyz")),
        new("GET", "/metrics", 200, node => node.Client.GetPathAsync("/metrics")),
        new("GET", "/console", 200, node => node.Client.GetPathAsync("/console")),
        new("GET", "/console/{name}", 200, node => node.Client.GetPathAsync("/console/main.js")),
        new("GET", "/console/{name}", 404, node => node.Client.GetPathAsync("/console/none.js")),
        new("GET", "/problems", 200, node => node.Client.GetPathAsync("/problems")),
        new("GET", "/problems/{name}", 200, node => node.Client.GetPathAsync("/problems/key-does-not-exist")),
        new("GET", "/problems/{name}", 404, node => node.Client.GetPathAsync("/problems/none")),
        new("GET", "/openapi/v1.json", 200, node => node.Client.GetPathAsync("/openapi/v1.json")),
    ];

    // What nobody has written.
    private static string Unknown(SingleNode node)
    {
        var unknown = new CausalToken(new(1), HybridTimestamp.Zero, VersionVector.Of([new Dot(new(new(77), new ReplicaGroup(0, new(0))), 5)]));
        return System.Buffers.Text.Base64Url.EncodeToString(node.Node.Service<CausalTokenCodec>().Seal(unknown));
    }

    private static string Self(SingleNode node) => $$"""{"socket-address":"{{node.Node.Address}}"}""";

    private static string BatchOf(string key, string other) =>
        $$"""{"operations":[{"method":"PUT","key":"{{key}}","value":[1]},{"method":"GET","key":"{{key}}"},{"method":"GET","key":"{{other}}"},{"method":"DELETE","key":"{{key}}"},{"method":"DELETE","key":"{{key}}"}]}""";

    private static async Task<KvAnswer> WithKey(SingleNode node, Func<KvClient, string, Task<KvAnswer>> ask)
    {
        var key = SingleNode.NewKey();
        await node.Client.PutAsync(key, "1");
        return await ask(node.Client, KvClient.PathOf(key));
    }

    private static async Task<KvAnswer> WhileOneRuns(SingleNode node, Func<KvClient, Task<KvAnswer>> ask)
    {
        using var run = node.Node.Service<Kv.Node.Backup.BackupActivity>().TryBegin("backup", Kv.Node.Backup.BackupStage.Preparing);
        return await ask(node.Client);
    }

    private static async Task<KvAnswer> OverloadedAsync(SingleNode node)
    {
        var budget = node.Node.Service<Kv.Node.Requests.RequestBudget>();
        using var places = new Places();
        while (budget.TryWrite(0) is { IsHeld: true } place) places.Add(place);
        return await node.Client.SendAsync(HttpMethod.Post, Batch, """{"operations":[]}""");
    }

    private sealed class Places : IDisposable
    {
        private readonly List<IDisposable> _held = [];

        public void Add(IDisposable place) => _held.Add(place);

        public void Dispose() => _held.ForEach(place => place.Dispose());
    }
}
