using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

/// <summary>Listing keys of several shards through any node, and while their number changes.</summary>
public sealed class ListingAcrossShardsTests : IAsyncLifetime
{
    private const int Keys = 240;

    private readonly Dictionary<string, string> _written = [];
    private IReadOnlyList<InProcessNode> _nodes = [];
    private string? _token;

    public async ValueTask InitializeAsync()
    {
        // Two shards of two nodes each; few records may be looked at for a page, so that pages end for that reason as well.
        _nodes = await InProcessNode.StartClusterAsync(4, 2, "--Listing:MaxRecordsRead=40");
        for (var i = 0; i < Keys; i++)
        {
            var put = await _nodes[i % 4].Client.PutAsync($"{(i % 3 == 0 ? "other" : "item")}-{i}", KvClient.Number(i), _token);
            Assert.True(put.Status == 201, put.ToString());
            _token = put.Token;
            if (i % 3 != 0) _written[$"item-{i}"] = KvClient.Number(i);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
    }

    [Fact]
    public async Task Every_node_lists_the_keys_of_all_shards_and_a_walk_may_go_from_node_to_node()
    {
        foreach (var node in _nodes) AssertAll(await Walk.AllAsync(node.Client, "item-", 50, _token));
        AssertAll(await Walk.AllAsync(page => _nodes[page % 4].Client, "item-", 7, _token));
    }

    [Fact]
    public async Task A_walk_across_reshards_lists_every_key_once()
    {
        Task<KvAnswer>? reshard = null;
        var shards = new Queue<int>([1, 2, 1]);
        var listed = await Walk.AllAsync(page => _nodes[page % 4].Client, "item-", 10, _token, async page =>
        {
            // One is under way while some pages are read, and done before the next ones are.
            if (page % 4 == 1 && shards.TryDequeue(out var next)) reshard = _nodes[page % 3].Client.ReshardAsync(next);
            if (page % 4 == 3 && reshard is not null) Assert.True((await reshard).Status == 200, (await reshard).ToString());
        });
        Assert.Empty(shards);
        AssertAll(listed);
    }

    private void AssertAll(IReadOnlyList<(string Key, string Value, string Version)> listed)
    {
        Assert.Equal(_written.Keys.Order(), listed.Select(key => key.Key).Order());
        Assert.All(listed, key => Assert.Equal(_written[key.Key], key.Value));
    }
}
