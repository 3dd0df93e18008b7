using System.Text;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class BodyTests
{
    private readonly KvClient _client;
    private readonly string _key = SingleNode.NewKey();
    private readonly string _path;

    public BodyTests(SingleNode node)
    {
        _client = node.Client;
        _path = KvClient.PathOf(_key);
    }

    public static readonly TheoryData<string, string> Unreadable = new()
    {
        { "x", "Body is not valid JSON" },
        { " ", "Body is not valid JSON" },
        { "{", "Body is not valid JSON" },
        { """{"value":1""", "Body is not valid JSON" },
        { """{"value":1}}""", "Body is not valid JSON" },
        { """{"value":1} x""", "Body is not valid JSON" },
        { """{"value":1}{"value":2}""", "Body is not valid JSON" },
        { """{"value":01}""", "Body is not valid JSON" },
        { """{"value":1,}""", "Body is not valid JSON" },
        { """{"value":'a'}""", "Body is not valid JSON" },
        { """{"value":NaN}""", "Body is not valid JSON" },
        { """{"value":"a""", "Body is not valid JSON" },
        { "{\"value\":\"a\nb\"}", "Body is not valid JSON" },
        { """{"value":"\x"}""", "Body is not valid JSON" },
        { "{/**/\"value\":1}", "Body is not valid JSON" },
        { "\uFEFF{\"value\":1}", "Body is not valid JSON" },
        { "value=1", "Body is not valid JSON" },
        { "[1]", "Body is not a JSON object" },
        { "1", "Body is not a JSON object" },
        { "\"value\"", "Body is not a JSON object" },
        { "null", "Body is not a JSON object" },
        { """[{"value":1}]""", "Body is not a JSON object" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task A_body_that_is_not_one_json_object_is_refused(string body, string error)
    {
        foreach (var method in new[] { HttpMethod.Put, HttpMethod.Get, HttpMethod.Delete })
            AnswerAssert.Error(await _client.SendAsync(method, _path, body), 400, error, $"Error in {method}");
    }

    [Fact]
    public async Task A_body_that_is_not_utf8_is_refused()
    {
        byte[] body = [.. "{\"value\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Put, _path, body), 400, "Body is not valid UTF-8", "Error in PUT");
    }

    [Fact]
    public async Task Nesting_beyond_the_bound_is_refused()
    {
        foreach (var depth in new[] { 257, 10_000, 200_000 })
        {
            var body = $$"""{"value":{{string.Concat(Enumerable.Repeat("[", depth))}}{{string.Concat(Enumerable.Repeat("]", depth))}}}""";
            AnswerAssert.Error(await _client.SendAsync(HttpMethod.Put, _path, body), 400, "Body is not valid JSON", "Error in PUT");
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("text/plain; charset=utf-8")]
    [InlineData("application/json; charset=utf-8")]
    public async Task A_body_is_read_as_json_whatever_its_content_type(string? contentType)
    {
        AnswerAssert.Stored(await _client.SendAsync(HttpMethod.Put, _path, """{"value":"v"}""", contentType: contentType), replaced: false);
        AnswerAssert.Found(await _client.SendAsync(HttpMethod.Get, _path, "{}", contentType: contentType), "\"v\"");
    }

    [Fact]
    public async Task A_chunked_body_is_read()
    {
        AnswerAssert.Stored(await _client.SendAsync(HttpMethod.Put, _path, "{\"value\":\"v\"}"u8.ToArray(), chunked: true), replaced: false);
        AnswerAssert.Found(await _client.GetAsync(_key), "\"v\"");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_of_one_mebibyte_is_taken_and_a_larger_one_refused(bool chunked)
    {
        AnswerAssert.Stored(await _client.SendAsync(HttpMethod.Put, _path, BodyOf(1 << 20), chunked: chunked), replaced: false);
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Put, _path, BodyOf((1 << 20) + 1), chunked: chunked), 413, "Body is too large", "Error in PUT");
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Get, _path, BodyOf(3 << 20), chunked: chunked), 413, "Body is too large", "Error in GET");
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Delete, _path, BodyOf(3 << 20), chunked: chunked), 413, "Body is too large", "Error in DELETE");
        Assert.Equal(200, (await _client.GetAsync(_key)).Status);
    }

    private static byte[] BodyOf(int bytes)
    {
        const string Around = """{"value":""}""";
        return Encoding.UTF8.GetBytes($$"""{"value":"{{new string('x', bytes - Around.Length)}}"}""");
    }
}
