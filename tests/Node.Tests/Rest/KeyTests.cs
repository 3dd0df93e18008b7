using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class KeyTests(SingleNode node)
{
    private const string Body = """{"value":1}""";

    private readonly KvClient _client = node.Client;

    [Theory]
    [InlineData("x")]
    [InlineData("é")]
    [InlineData("漢")]
    [InlineData("😀")]
    public async Task A_key_may_have_fifty_characters_and_no_more(string character)
    {
        var fifty = Uri.EscapeDataString(string.Concat(Enumerable.Repeat(character, 50)));
        var first = await PutAsync(fifty);
        Assert.True(first.Status is 200 or 201, first.ToString());
        Assert.Equal(200, (await GetAsync(fifty)).Status);

        var more = fifty + Uri.EscapeDataString(character);
        AnswerAssert.Error(await PutAsync(more), 400, "Key is too long", "Error in PUT");
        AnswerAssert.Error(await GetAsync(more), 400, "Key is too long", "Error in GET");
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Delete, $"/key-value-store/{more}"), 400, "Key is too long", "Error in DELETE");
    }

    [Fact]
    public async Task Spellings_that_decode_differently_are_different_keys()
    {
        string[] segments = ["a%2Fb", "a%252Fb", "a%20b", "a+b", "a%2Bb%20", "%2E", "%2E%2E", "%2E%2E%2E", "a%3Fb", "a%23b", "%25", "%C3%A9", "e%CC%81", "a;b", "a,b", "a:b@c", "A%2Fb", "%09", "%22", "%5C"];
        foreach (var segment in segments)
        {
            var put = await _client.SendAsync(HttpMethod.Put, $"/key-value-store/{segment}", $$"""{"value":"{{segment}}"}""");
            Assert.True(put.Status == 201, $"{segment}: {put}");
        }

        foreach (var segment in segments) AnswerAssert.Found(await GetAsync(segment), $"\"{segment}\"");
    }

    [Theory]
    [InlineData("sp%65lt", "spelt")]
    [InlineData("sl%2fash", "sl%2Fash")]
    [InlineData("tilde~", "tilde%7E")]
    [InlineData("star*", "star%2A")]
    public async Task Spellings_that_decode_alike_are_the_same_key(string first, string second)
    {
        Assert.Equal(201, (await PutAsync(first)).Status);
        Assert.Equal(200, (await PutAsync(second)).Status);
        Assert.Equal(200, (await GetAsync(second)).Status);
    }

    [Fact]
    public async Task A_fragment_or_query_is_no_part_of_the_key()
    {
        var key = SingleNode.NewKey();
        Assert.Equal(201, (await PutAsync($"{key}?x=1")).Status);
        Assert.Equal(200, (await GetAsync(key)).Status);
    }

    [Theory]
    [InlineData("%")]
    [InlineData("a%2")]
    [InlineData("a%zz")]
    [InlineData("%-1")]
    [InlineData("a%%20")]
    public async Task Invalid_percent_encoding_is_refused(string segment) =>
        AnswerAssert.Error(await PutAsync(segment), 400, "Key is not valid percent-encoding", "Error in PUT");

    [Theory]
    [InlineData("%FF")]
    [InlineData("%C3")]
    [InlineData("a%C3%28")]
    [InlineData("%ED%A0%80")]
    [InlineData("%C0%80")]
    [InlineData("%F5%80%80%80")]
    public async Task A_key_that_is_not_utf8_is_refused(string segment)
    {
        AnswerAssert.Error(await PutAsync(segment), 400, "Key is not valid UTF-8", "Error in PUT");
        AnswerAssert.Error(await GetAsync(segment), 400, "Key is not valid UTF-8", "Error in GET");
    }

    private Task<KvAnswer> PutAsync(string segment) => _client.SendAsync(HttpMethod.Put, $"/key-value-store/{segment}", Body);

    private Task<KvAnswer> GetAsync(string segment) => _client.GetPathAsync($"/key-value-store/{segment}");
}
