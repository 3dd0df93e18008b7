using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Nodes are let in, let go and given a shard while the cluster works; what may not be is refused in so many words.</summary>
public sealed class MembershipTests
{
    private const string View = "/key-value-store-view";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_node_that_was_let_go_and_let_in_again_serves_another_shard_with_exact_counts_and_no_request_fails()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 5, shards: 2);
        var moving = cluster[4];
        var staying = cluster.Nodes.Take(4).ToList();
        await cluster.UntilSealedAsync();
        using var load = new Load(staying);

        // Shard 0 has three members, so one can go.
        await AnswersAsync(200, cluster[1].Client.SendAsync(HttpMethod.Delete, View, Naming(moving)), "Replica deleted successfully from the view");
        foreach (var node in staying) await LocalCluster.UntilViewAsync(node, cluster.Addresses.Except([moving.Address]).ToList(), Bound);
        Assert.DoesNotContain(moving.Address, await cluster[1].Client.MembersAsync("0"));

        // It begins anew, without a shard.
        await LetInAsync(cluster[2], moving);
        foreach (var node in cluster.Nodes) await LocalCluster.UntilViewAsync(node, cluster.Addresses, Bound);
        await UnassignedAsync(moving);
        await AnswersAsync(200, cluster[0].Client.SendAsync(HttpMethod.Put, AddMember("1"), Naming(moving)), "Node added successfully to the shard");
        Assert.Contains(moving.Address, await cluster[0].Client.MembersAsync("1"));
        await Eventually.Async(
            async () => await cluster[3].Client.MembersAsync("1"), members => members.Contains(moving.Address), Bound, "another node learns that it serves the shard");
        await AnswersAsync(200, cluster[0].Client.SendAsync(HttpMethod.Put, AddMember("1"), Naming(moving)), "Node added successfully to the shard");

        var written = await load.StopAsync();
        Assert.Empty(load.Violations);
        Assert.Empty(load.Failures);
        Assert.NotEmpty(written);
        foreach (var (key, (value, token)) in written)
        {
            var read = await moving.Client.GetAsync(key, token);
            Assert.True(read.Status == 200 && read.Json!.Value.GetProperty("value").GetRawText() == value, $"{key}: {read}");
        }

        var counts = await Task.WhenAll(cluster.Nodes.Select(async node => $"{node.Address} {await node.Probe.LiveKeysAsync()}"));
        Assert.True(written.Count == await moving.Client.KeyCountAsync(), $"{written.Count} keys, and {string.Join(", ", counts)}");
    }

    [Fact]
    public async Task A_member_that_comes_back_without_its_data_is_refilled_and_serves_again()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 3, shards: 1);
        await cluster.UntilSealedAsync();
        for (var i = 0; i < 50; i++) Assert.Equal(201, (await cluster[0].Client.PutAsync($"k{i}", "1", query: "?w=all")).Status);
        await cluster[2].Process.KillAsync();
        Directory.Delete(cluster[2].DataDirectory, recursive: true);
        await cluster[2].RestartAsync();
        await Eventually.Async(
            async () => (await cluster[0].Client.MembersAsync("0")).Count, members => members == 3, Bound, "the re-created node is a member of its shard again");
        Assert.Equal(50UL, await cluster[2].Probe.LiveKeysAsync());
        Assert.Equal(201, (await cluster[2].Client.PutAsync("after", "1", query: "?w=all")).Status);
    }

    [Fact]
    public async Task Without_its_quorum_the_cluster_serves_and_says_who_is_missing_when_it_is_to_change()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 3, shards: 1);
        await cluster.UntilSealedAsync();
        await cluster[1].Process.KillAsync();
        await cluster[2].Process.KillAsync();
        var refused = await cluster[0].Client.SendAsync(HttpMethod.Delete, View, Naming(cluster[2]));
        Assert.Equal(503, refused.Status);
        Assert.Equal("Topology cannot be changed without its quorum", refused.Text("error"));
        Assert.Equal([cluster[1].Address, cluster[2].Address], refused.Json!.Value.GetProperty("missing").EnumerateArray().Select(address => address.GetString()));
        var put = await cluster[0].Client.PutAsync("k", "1");
        Assert.True(put.Status == 201, put.ToString());

        // And with it, one that is dead can be let go.
        await cluster[1].RestartAsync();
        await Eventually.Async(
            async () => (await cluster[0].Client.SendAsync(HttpMethod.Delete, View, Naming(cluster[2]))).Status, status => status == 200, Bound, "a dead node is let go");
        Assert.Equal([cluster[0].Address, cluster[1].Address], await cluster[0].Client.MembersAsync("0"));
    }

    [Fact]
    public async Task What_cannot_be_is_refused_in_so_many_words()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 2, shards: 2);
        await using var foreign = await LocalCluster.StartAsync(nodes: 1, shards: 1);
        await cluster.UntilSealedAsync();
        var node = cluster[0].Client;
        await IsAsync(404, node.SendAsync(HttpMethod.Put, View, Naming(cluster[1])), "Socket address already exists in the view");
        await IsAsync(404, node.SendAsync(HttpMethod.Delete, View, """{"socket-address":"10.99.0.1:8080"}"""), "Socket address does not exist in the view");
        await IsAsync(400, node.SendAsync(HttpMethod.Put, View, """{"socket-address":"nowhere"}"""), "Socket address is not of the form host:port");
        await IsAsync(400, node.SendAsync(HttpMethod.Put, View, "{}"), "Socket address is missing");
        await IsAsync(400, node.SendAsync(HttpMethod.Delete, View), "Socket address is missing");
        await IsAsync(503, node.SendAsync(HttpMethod.Put, View, """{"socket-address":"127.0.0.1:1"}"""), "No node of this cluster answers at 127.0.0.1:1");
        await IsAsync(503, node.SendAsync(HttpMethod.Put, View, Naming(foreign[0])), $"No node of this cluster answers at {foreign[0].Address}");
        await IsAsync(409, node.SendAsync(HttpMethod.Delete, View, Naming(cluster[1])), "Node is the last replica of its shard");
        await IsAsync(409, node.SendAsync(HttpMethod.Put, AddMember("0"), Naming(cluster[1])), "Node serves another shard");
        await IsAsync(404, node.SendAsync(HttpMethod.Put, AddMember("7"), Naming(cluster[1])), "Shard ID does not exist");
        await IsAsync(400, node.SendAsync(HttpMethod.Put, AddMember("0"), """{"socket-address":"10.99.0.1:8080"}"""), "Socket address does not exist in the view");
        Assert.Equal(2, (await foreign[0].Client.GetPathAsync("/key-value-store-view")).Text("view").Split(',').Length + 1);
    }

    private static string AddMember(string shard) => $"/key-value-store-shard/add-member/{shard}";

    private static string Naming(LocalNode node) => $$"""{"socket-address":"{{node.Address}}"}""";

    private static async Task UnassignedAsync(LocalNode node) => Assert.Equal(404, (await node.Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Status);

    // The node that was removed may still be on its way to begin anew.
    private static async Task LetInAsync(LocalNode asked, LocalNode node) => await Eventually.Async(
        async () => (await asked.Client.SendAsync(HttpMethod.Put, View, Naming(node))).Status, status => status == 201, Bound, $"{node.Address} is let in");

    private static async Task AnswersAsync(int status, Task<KvAnswer> request, string message)
    {
        var answer = await request;
        Assert.True(answer.Status == status, answer.ToString());
        Assert.Equal(message, answer.Text("message"));
    }

    private static async Task IsAsync(int status, Task<KvAnswer> request, string error)
    {
        var answer = await request;
        Assert.True(answer.Status == status, answer.ToString());
        Assert.Equal(error, answer.Text("error"));
        Assert.StartsWith("Error in ", answer.Text("message"), StringComparison.Ordinal);
    }
}
