using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class KeyValueTests(SingleNode node)
{
    private readonly KvClient _client = node.Client;
    private readonly string _key = SingleNode.NewKey();

    [Fact]
    public async Task A_new_key_is_added() => AnswerAssert.Stored(await _client.PutAsync(_key, "1"), replaced: false);

    [Fact]
    public async Task An_existing_key_is_updated()
    {
        await _client.PutAsync(_key, "1");
        AnswerAssert.Stored(await _client.PutAsync(_key, "2"), replaced: true);
        AnswerAssert.Found(await _client.GetAsync(_key), "2");
    }

    [Fact]
    public async Task A_read_without_metadata_returns_the_metadata_that_the_write_returned()
    {
        var put = await _client.PutAsync(_key, "\"v\"");
        for (var i = 0; i < 3; i++)
        {
            var get = await _client.GetAsync(_key);
            AnswerAssert.Found(get, "\"v\"");
            Assert.Equal(put.Token, get.Token);
            Assert.Equal(put.Token, get.Version);
        }
    }

    [Fact]
    public async Task A_read_with_metadata_names_the_version_that_the_write_returned()
    {
        var put = await _client.PutAsync(_key, "1");
        var other = await _client.PutAsync(SingleNode.NewKey(), "1", put.Token);
        var get = await _client.GetAsync(_key, other.Token);
        Assert.Equal(put.Token, get.Version);
        Assert.NotEqual(put.Token, other.Version);
    }

    [Fact]
    public async Task An_absent_key_is_not_found()
    {
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
        AnswerAssert.Absent(await _client.DeleteAsync(_key), "DELETE");
    }

    [Fact]
    public async Task A_deleted_key_is_absent_until_it_is_added_again()
    {
        var put = await _client.PutAsync(_key, "1");
        var delete = await _client.DeleteAsync(_key, put.Token);
        AnswerAssert.Deleted(delete);
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
        AnswerAssert.Absent(await _client.GetAsync(_key, delete.Token), "GET");
        AnswerAssert.Absent(await _client.DeleteAsync(_key, delete.Token), "DELETE");
        AnswerAssert.Stored(await _client.PutAsync(_key, "2", delete.Token), replaced: false);
        AnswerAssert.Found(await _client.GetAsync(_key), "2");
    }

    [Fact]
    public async Task An_absent_keys_metadata_is_of_use()
    {
        var absent = await _client.GetAsync(_key);
        AnswerAssert.Stored(await _client.PutAsync(_key, "1", absent.Token), replaced: false);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"causal-metadata":""}""")]
    [InlineData("""{"val":1}""")]
    [InlineData("""{"VALUE":1}""")]
    public async Task A_write_needs_a_value(string body) =>
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Put, KvClient.PathOf(_key), body), 400, "Value is missing", "Error in PUT");

    [Fact]
    public async Task A_refused_write_writes_nothing()
    {
        await _client.SendAsync(HttpMethod.Put, KvClient.PathOf(_key), "{}");
        await _client.SendAsync(HttpMethod.Put, KvClient.PathOf(_key), """{"value":1,"causal-metadata":"x"}""");
        await _client.SendAsync(HttpMethod.Put, KvClient.PathOf(_key) + "?w=most", """{"value":1}""");
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
    }

    [Fact]
    public async Task The_key_count_counts_live_keys()
    {
        var before = await _client.KeyCountAsync("0");
        await _client.PutAsync(_key, "1");
        await _client.PutAsync(_key, "2");
        Assert.Equal(before + 1, await _client.KeyCountAsync("0"));
        await _client.DeleteAsync(_key);
        await _client.DeleteAsync(_key);
        Assert.Equal(before, await _client.KeyCountAsync("0"));
    }

    [Theory]
    [InlineData("local")]
    [InlineData("majority")]
    [InlineData("all")]
    public async Task Every_write_concern_is_met_by_a_node_alone(string concern)
    {
        AnswerAssert.Stored(await _client.PutAsync(_key, "1", query: $"?w={concern}"), replaced: false);
        AnswerAssert.Deleted(await _client.DeleteAsync(_key, query: $"?w={concern}"));
    }

    [Theory]
    [InlineData("?w=")]
    [InlineData("?w=ALL")]
    [InlineData("?w=2")]
    [InlineData("?w=local&w=all")]
    public async Task Another_write_concern_is_refused(string query)
    {
        const string Error = "Write concern must be local, majority or all";
        AnswerAssert.Error(await _client.PutAsync(_key, "1", query: query), 400, Error, "Error in PUT");
        AnswerAssert.Error(await _client.DeleteAsync(_key, query: query), 400, Error, "Error in DELETE");
    }
}
