using System.Text.Json;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.TestSupport;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Node.Tests.Rest;

/// <summary>Several operations in one request.</summary>
[Collection(nameof(SingleNode))]
public sealed class BatchTests(SingleNode node)
{
    private const string Path = "/key-value-store-batch";

    private readonly KvClient _client = node.Client;
    private readonly string _key = SingleNode.NewKey();

    [Fact]
    public async Task Each_operation_sees_those_before_it_and_is_answered_as_it_would_be_alone()
    {
        var answer = await SendAsync(Get(_key), Put(_key, "1"), Get(_key), Put(_key, "[2]"), Delete(_key), Delete(_key), Get(_key));
        Assert.Equal(200, answer.Status);
        var results = answer.Member("results").EnumerateArray().ToList();
        Assert.Equal([404, 201, 200, 200, 200, 404, 404], results.Select(Status));
        Assert.Equal("Error in GET", results[0].GetProperty("message").GetString());
        Assert.Equal("Added successfully", results[1].GetProperty("message").GetString());
        Assert.Equal("1", results[2].GetProperty("value").GetRawText());
        Assert.True(results[3].GetProperty("replaced").GetBoolean());
        Assert.Equal("Deleted successfully", results[4].GetProperty("message").GetString());
        Assert.Equal("Key does not exist", results[5].GetProperty("error").GetString());
        Assert.Equal("Error in DELETE", results[5].GetProperty("message").GetString());
        Assert.Equal(results[1].GetProperty("version").GetString(), results[2].GetProperty("version").GetString());
        AnswerAssert.Absent(await _client.GetAsync(_key, answer.Token), "GET");
    }

    [Fact]
    public async Task The_answers_token_has_seen_all_of_it_and_all_of_it_has_seen_the_requests_token()
    {
        var before = await _client.PutAsync(SingleNode.NewKey(), "0");
        var answer = await SendAsync([Put(_key, "1"), Put(SingleNode.NewKey(), "2")], before.Token);
        var dots = new List<CausalToken> { Open(before.Token) };
        dots.AddRange(answer.Member("results").EnumerateArray().Select(result => Open(result.GetProperty("version").GetString()!)));
        dots.Add(Open(answer.Token));
        Assert.All(dots.Zip(dots.Skip(1)), pair => Assert.True(pair.Second.Stamp >= pair.First.Stamp));
        Assert.True(Open(answer.Token).Stamp > dots[0].Stamp);
        AnswerAssert.Found(await _client.GetAsync(_key, answer.Token), "1");
    }

    [Fact]
    public async Task After_an_operation_that_fails_none_is_begun()
    {
        // One that waits for what never comes: nothing of the batch may be written before its past is there.
        var unknown = new CausalToken(new(1), HybridTimestamp.Zero, VersionVector.Of([new Dot(new(new(77), new ReplicaGroup(0, new(0))), 5)]));
        var token = System.Buffers.Text.Base64Url.EncodeToString(node.Node.Service<CausalTokenCodec>().Seal(unknown));
        var answer = await SendAsync([Put(_key, "1"), Put(_key, "2"), Get(_key)], token);
        Assert.Equal(200, answer.Status);
        Assert.Equal([503, 424, 424], answer.Member("results").EnumerateArray().Select(Status));
        Assert.Equal(["Error in PUT", "Error in PUT", "Error in GET"], answer.Member("results").EnumerateArray().Select(result => result.GetProperty("message").GetString()));
        Assert.Equal(token, answer.Token);
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
    }

    [Fact]
    public async Task The_values_that_are_read_are_bounded()
    {
        await _client.PutAsync(_key, $"\"{new string('x', 900_000)}\"");
        var answer = await SendAsync([.. Enumerable.Repeat(Get(_key), 7), Put(_key, "1")]);
        Assert.Equal([200, 200, 200, 200, 200, 413, 424, 424], answer.Member("results").EnumerateArray().Select(Status));
        Assert.Equal(900_002, (await _client.GetAsync(_key)).RawValue.Length);
    }

    [Fact]
    public async Task A_batch_of_nothing_is_answered_with_nothing_and_the_write_concern_is_each_writes()
    {
        var empty = await _client.SendAsync(HttpMethod.Post, Path, """{"operations":[]}""");
        Assert.Equal(200, empty.Status);
        Assert.Empty(empty.Member("results").EnumerateArray());
        Assert.NotEmpty(empty.Token);
        var all = await _client.SendAsync(HttpMethod.Post, Path + "?w=all", Body([Put(_key, "1")], null));
        Assert.Equal([201], all.Member("results").EnumerateArray().Select(Status));
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Post, Path + "?w=most", Body([Put(_key, "1")], null)), 400, "Write concern must be local, majority or all", "Error in POST");
    }

    [Theory]
    [InlineData("", "Operations are missing", null)]
    [InlineData("{}", "Operations are missing", null)]
    [InlineData("x", "Body is not valid JSON", null)]
    [InlineData("[]", "Body is not a JSON object", null)]
    [InlineData("""{"operations":1}""", "Operations are not a list of objects", null)]
    [InlineData("""{"operations":{}}""", "Operations are not a list of objects", null)]
    [InlineData("""{"operations":[1]}""", "Operations are not a list of objects", 0)]
    [InlineData("""{"operations":[{"method":"GET","key":"a"},[]]}""", "Operations are not a list of objects", 1)]
    [InlineData("""{"operations":[{"key":"a"}]}""", "Method must be GET, PUT or DELETE", 0)]
    [InlineData("""{"operations":[{"method":"get","key":"a"}]}""", "Method must be GET, PUT or DELETE", 0)]
    [InlineData("""{"operations":[{"method":{"x":[1]},"key":"a"}]}""", "Method must be GET, PUT or DELETE", 0)]
    [InlineData("""{"operations":[{"method":"GET"}]}""", "Key is missing", 0)]
    [InlineData("""{"operations":[{"method":"GET","key":""}]}""", "Key is missing", 0)]
    [InlineData("""{"operations":[{"method":"GET","key":["a"]}]}""", "Key is missing", 0)]
    [InlineData("""{"operations":[{"method":"GET","key":"\ud800"}]}""", "Key is not valid UTF-8", 0)]
    [InlineData("""{"operations":[{"method":"GET","key":"a\u0000"}]}""", "Key is not valid UTF-8", 0)]
    [InlineData("""{"operations":[{"method":"GET","key":"123456789012345678901234567890123456789012345678901"}]}""", "Key is too long", 0)]
    [InlineData("""{"operations":[{"method":"PUT","key":"a"}]}""", "Value is missing", 0)]
    [InlineData("""{"operations":[],"causal-metadata":"x"}""", "Causal metadata is malformed", null)]
    public async Task Nothing_is_done_of_a_batch_in_which_anything_is_wrong(string body, string error, int? operation)
    {
        var answer = await _client.SendAsync(HttpMethod.Post, Path, body);
        AnswerAssert.Error(answer, 400, error, "Error in POST");
        Assert.Equal(operation, answer.HasMember("operation") ? answer.Member("operation").GetInt32() : null);
    }

    [Fact]
    public async Task Every_operation_is_checked_before_the_first_is_done()
    {
        AnswerAssert.Error(await SendAsync(Put(_key, "1"), """{"method":"PUT","key":"a"}"""), 400, "Value is missing", "Error in POST");
        AnswerAssert.Error(await SendAsync([.. Enumerable.Repeat(Put(_key, "1"), 101)]), 400, "There are too many operations", "Error in POST");
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
    }

    [Fact]
    public async Task A_key_is_the_same_one_whether_it_comes_in_a_path_or_in_a_batch()
    {
        var key = _key + "/é %2F\"\\";
        await SendAsync($$"""{"value":{"a":"ü"},"method":"PUT","key":{{JsonSerializer.Serialize(key)}}}""");
        AnswerAssert.Found(await _client.GetAsync(key), """{"a":"ü"}""");
    }

    private static int Status(JsonElement result) => result.GetProperty("status").GetInt32();

    private static string Get(string key) => $$"""{"method":"GET","key":"{{key}}"}""";

    private static string Put(string key, string value) => $$"""{"method":"PUT","key":"{{key}}","value":{{value}}}""";

    private static string Delete(string key) => $$"""{"method":"DELETE","key":"{{key}}"}""";

    private static string Body(IEnumerable<string> operations, string? token) =>
        token is null ? $$"""{"operations":[{{string.Join(',', operations)}}]}""" : $$"""{"operations":[{{string.Join(',', operations)}}],"causal-metadata":"{{token}}"}""";

    private CausalToken Open(string text)
    {
        Assert.Equal(TokenRejection.None, node.Node.Service<CausalTokenCodec>().TryOpenText(System.Text.Encoding.ASCII.GetBytes(text), out var token, out _));
        return token;
    }

    private Task<KvAnswer> SendAsync(params string[] operations) => SendAsync(operations, null);

    private Task<KvAnswer> SendAsync(string[] operations, string? token) => _client.SendAsync(HttpMethod.Post, Path, Body(operations, token));
}
