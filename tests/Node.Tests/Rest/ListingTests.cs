using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.TestSupport;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Node.Tests.Rest;

/// <summary>Listing keys, on one node.</summary>
[Collection(nameof(SingleNode))]
public sealed class ListingTests(SingleNode node)
{
    private readonly KvClient _client = node.Client;
    private readonly string _prefix = SingleNode.NewKey("list") + "/";

    [Fact]
    public async Task Every_key_with_the_prefix_is_listed_once_with_its_value_and_version_however_long_the_pages()
    {
        var written = new Dictionary<string, KvAnswer>();
        for (var i = 0; i < 23; i++) written[$"{_prefix}é {i}"] = await _client.PutAsync($"{_prefix}é {i}", $"[{i}]");
        await _client.PutAsync(_prefix[..^1], "0");
        foreach (var limit in new[] { 1, 7, 23, 100 })
        {
            var listed = await Walk.AllAsync(_client, _prefix, limit);
            Assert.Equal(written.Keys.Order(), listed.Select(key => key.Key).Order());
            foreach (var (key, value, version) in listed)
            {
                Assert.Equal(written[key].Version, version);
                Assert.Equal($"[{key.Split(' ')[1]}]", value);
            }
        }
    }

    [Fact]
    public async Task Without_values_there_are_keys_and_versions_alone()
    {
        var put = await _client.PutAsync(_prefix + "a", "1");
        var key = Assert.Single((await _client.GetPathAsync(Walk.PathOf(_prefix) + "&values=false")).Member("keys").EnumerateArray());
        Assert.Equal(["key", "version"], key.EnumerateObject().Select(member => member.Name));
        Assert.Equal(put.Version, key.GetProperty("version").GetString());
    }

    [Fact]
    public async Task What_was_deleted_is_not_listed_and_who_saw_that_does_not_find_it_elsewhere()
    {
        await _client.PutAsync(_prefix + "a", "1");
        var deleted = await _client.DeleteAsync(_prefix + "a");
        var page = await _client.GetPathAsync(Walk.PathOf(_prefix));
        Assert.Empty(page.Member("keys").EnumerateArray());
        Assert.False(page.HasMember("cursor"));
        var tokens = node.Node.Service<CausalTokenCodec>();
        Assert.Equal(TokenRejection.None, tokens.TryOpenText(System.Text.Encoding.ASCII.GetBytes(page.Token), out var seen, out _));
        Assert.Equal(TokenRejection.None, tokens.TryOpenText(System.Text.Encoding.ASCII.GetBytes(deleted.Token), out var deletion, out _));
        Assert.True(seen.Stamp >= deletion.Stamp);
    }

    [Fact]
    public async Task A_page_says_that_it_is_the_last_one_when_the_keys_fill_it_exactly()
    {
        for (var i = 0; i < 3; i++) await _client.PutAsync(_prefix + i, "1");
        Assert.False((await _client.GetPathAsync(Walk.PathOf(_prefix) + "&limit=3")).HasMember("cursor"));
        Assert.True((await _client.GetPathAsync(Walk.PathOf(_prefix) + "&limit=2")).HasMember("cursor"));
    }

    [Fact]
    public async Task The_token_can_come_in_header_query_and_body_and_what_it_has_seen_must_be_there()
    {
        await _client.PutAsync(_prefix + "a", "1");
        var codec = node.Node.Service<CausalTokenCodec>();
        var unknown = new CausalToken(new(1), HybridTimestamp.Zero, VersionVector.Of([new Dot(new(new(77), new ReplicaGroup(0, new(0))), 5)]));
        var token = System.Buffers.Text.Base64Url.EncodeToString(codec.Seal(unknown));
        AnswerAssert.Unavailable(await _client.GetPathAsync(Walk.PathOf(_prefix), token), "Causal dependencies not satisfied", "Error in GET");
        AnswerAssert.Unavailable(await _client.GetPathAsync(Walk.PathOf(_prefix) + $"&causal-metadata={token}"), "Causal dependencies not satisfied", "Error in GET");
        AnswerAssert.Unavailable(
            await _client.SendAsync(HttpMethod.Get, Walk.PathOf(_prefix), $$"""{"causal-metadata":"{{token}}"}"""), "Causal dependencies not satisfied", "Error in GET");
    }

    [Theory]
    [InlineData("limit=0", "Limit must be a whole number from 1 to Listing:MaxKeys")]
    [InlineData("limit=1001", "Limit must be a whole number from 1 to Listing:MaxKeys")]
    [InlineData("limit=-1", "Limit must be a whole number from 1 to Listing:MaxKeys")]
    [InlineData("limit=1&limit=2", "Limit must be a whole number from 1 to Listing:MaxKeys")]
    [InlineData("limit=99999999999", "Limit must be a whole number from 1 to Listing:MaxKeys")]
    [InlineData("values=no", "Values must be true or false")]
    [InlineData("cursor=x", "Cursor is malformed")]
    [InlineData("cursor=AAAAAAAAAAAAYQ", "Cursor is malformed")]
    [InlineData("cursor=AQAAAAAAAAAAYQ", "Cursor is malformed")]
    [InlineData("cursor=%C3%A9", "Cursor is malformed")]
    [InlineData("prefix=%zz", "Prefix is not valid percent-encoding")]
    [InlineData("prefix=%FF", "Prefix is not valid UTF-8")]
    [InlineData("prefix=a&prefix=b", "Prefix is given twice")]
    [InlineData("prefix=123456789012345678901234567890123456789012345678901", "Prefix is too long")]
    [InlineData("causal-metadata=x", "Causal metadata is malformed")]
    public async Task What_cannot_be_asked_for_is_refused(string query, string error) =>
        AnswerAssert.Error(await _client.GetPathAsync("/key-value-store?" + query), 400, error, "Error in GET");

    [Fact]
    public async Task An_empty_cursor_is_the_beginning_and_a_cursor_that_was_cut_or_changed_is_none()
    {
        for (var i = 0; i < 3; i++) await _client.PutAsync(_prefix + i, "1");
        var first = await _client.GetPathAsync(Walk.PathOf(_prefix) + "&limit=1&cursor=");
        Assert.Single(first.Member("keys").EnumerateArray());
        var cursor = first.Text("cursor");
        foreach (var wrong in new[] { cursor[..^1], cursor[..^4], cursor + "A", "AAAA" + cursor[4..], cursor[..^2] + (cursor[^2] == 'x' ? 'y' : 'x') + cursor[^1] })
            AnswerAssert.Error(await _client.GetPathAsync(Walk.PathOf(_prefix) + $"&cursor={wrong}"), 400, "Cursor is malformed", "Error in GET");
    }
}
