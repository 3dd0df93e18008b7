using System.Buffers.Text;
using System.Text.Json;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class MetadataTests
{
    private const string Malformed = "Causal metadata is malformed";
    private const string Foreign = "Causal metadata belongs to another cluster";
    private const string Tampered = "Causal metadata has been tampered with";

    private static readonly HttpMethod[] Methods = [HttpMethod.Put, HttpMethod.Get, HttpMethod.Delete];

    private readonly SingleNode _node;
    private readonly KvClient _client;
    private readonly string _key = SingleNode.NewKey();
    private readonly string _path;

    public MetadataTests(SingleNode node)
    {
        _node = node;
        _client = node.Client;
        _path = KvClient.PathOf(_key);
    }

    [Theory]
    [InlineData("body")]
    [InlineData("header")]
    [InlineData("query")]
    public async Task Metadata_is_read_from_the_body_the_header_and_the_query_of_every_request(string place)
    {
        var token = (await _client.PutAsync(SingleNode.NewKey(), "1")).Token;
        AnswerAssert.Stored(await SendAsync(HttpMethod.Put, place, token), replaced: false);
        AnswerAssert.Found(await SendAsync(HttpMethod.Get, place, token), "1");
        AnswerAssert.Deleted(await SendAsync(HttpMethod.Delete, place, token));
        AnswerAssert.Absent(await SendAsync(HttpMethod.Get, place, token), "GET");
        foreach (var method in Methods) AnswerAssert.Error(await SendAsync(method, place, "x"), 400, Malformed, $"Error in {method}");
    }

    [Theory]
    [InlineData("""{"value":1,"causal-metadata":""}""")]
    [InlineData("""{"value":1,"causal-metadata":null}""")]
    [InlineData("""{"value":1}""")]
    public async Task Empty_null_and_absent_metadata_mean_none(string body)
    {
        var put = await _client.SendAsync(HttpMethod.Put, _path, body);
        AnswerAssert.Stored(put, replaced: false);
        var get = await _client.SendAsync(HttpMethod.Get, _path + "?causal-metadata=", body, headerToken: "");
        Assert.Equal(put.Token, get.Token);
        AnswerAssert.Deleted(await _client.SendAsync(HttpMethod.Delete, _path, body));
    }

    [Fact]
    public async Task An_empty_member_does_not_hide_the_header()
    {
        await _client.PutAsync(_key, "1");
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Get, _path, """{"causal-metadata":""}""", headerToken: "x"), 400, Malformed, "Error in GET");
    }

    [Theory]
    [InlineData("1")]
    [InlineData("true")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""["a"]""")]
    [InlineData("\"x\"")]
    [InlineData("\"null\"")]
    [InlineData("\" \"")]
    [InlineData("\"!!!!\"")]
    [InlineData("\"AAAA\"")]
    [InlineData("\"é\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\\u0000\"")]
    [InlineData("\"../../etc/passwd\"")]
    public async Task Metadata_that_nobody_gave_out_is_malformed(string json)
    {
        foreach (var method in Methods)
        {
            var answer = await _client.SendAsync(method, _path, $$"""{"value":1,"causal-metadata":{{json}}}""");
            AnswerAssert.Error(answer, 400, Malformed, $"Error in {method}");
        }
    }

    [Fact]
    public async Task Truncated_lengthened_and_respelt_metadata_is_refused()
    {
        var token = (await _client.PutAsync(_key, "1")).Token;
        foreach (var text in Enumerable.Range(1, token.Length - 1).Select(length => token[..length]).Append(token + "A").Append(token + "AAAA").Append(token + "=").Append(" " + token))
        {
            var answer = await _client.GetAsync(_key, text.StartsWith(' ') ? null : text);
            if (text.StartsWith(' ')) answer = await _client.SendAsync(HttpMethod.Get, _path, JsonSerializer.Serialize(new Dictionary<string, string> { ["causal-metadata"] = text }));
            Assert.True(answer.Status == 400, $"{text}: {answer}");
            Assert.Contains(answer.Error, new[] { Malformed, Tampered });
            Assert.Equal("Error in GET", answer.Message);
        }
    }

    [Fact]
    public async Task Megabytes_of_metadata_are_malformed()
    {
        var body = $$"""{"value":1,"causal-metadata":"{{new string('A', 500_000)}}"}""";
        foreach (var method in Methods) AnswerAssert.Error(await _client.SendAsync(method, _path, body), 400, Malformed, $"Error in {method}");
    }

    [Fact]
    public async Task Metadata_with_any_bit_flipped_is_refused()
    {
        var token = Base64Url.DecodeFromChars((await _client.PutAsync(_key, "1")).Token);
        for (var bit = 0; bit < token.Length * 8; bit++)
        {
            var flipped = (byte[])token.Clone();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            // The layout: a version, then the cluster's id.
            var error = bit / 8 == 0 ? Malformed : bit / 8 <= 8 ? Foreign : Tampered;
            AnswerAssert.Error(await _client.GetAsync(_key, Base64Url.EncodeToString(flipped)), 400, error, "Error in GET");
        }
    }

    [Fact]
    public async Task Metadata_of_another_cluster_is_refused()
    {
        var other = new CausalTokenCodec([], new ClusterId(42));
        var token = Base64Url.EncodeToString(other.Seal(CausalToken.None));
        foreach (var method in Methods) AnswerAssert.Error(await SendAsync(method, "header", token), 400, Foreign, $"Error in {method}");
    }

    [Fact]
    public async Task Metadata_sealed_with_another_secret_is_refused()
    {
        var forger = new CausalTokenCodec("secret"u8, _node.Node.Service<NodeIdentity>().Cluster);
        var token = Base64Url.EncodeToString(forger.Seal(CausalToken.None));
        foreach (var method in Methods) AnswerAssert.Error(await SendAsync(method, "header", token), 400, Tampered, $"Error in {method}");
    }

    [Fact]
    public async Task Metadata_whose_past_does_not_arrive_ends_in_503_that_names_it()
    {
        var past = VersionVector.Of(new Dot(new(new(0xabc), new(0, new(0))), 7));
        var token = Base64Url.EncodeToString(_node.Node.Service<CausalTokenCodec>().Seal(new(new Epoch(1), default, past)));
        foreach (var method in Methods)
        {
            var answer = await SendAsync(method, "header", token);
            AnswerAssert.Unavailable(answer, "Causal dependencies not satisfied", $"Error in {method}");
            Assert.Equal("0000000000000abc@0.0:7", Assert.Single(answer.Member("missing").EnumerateArray()).GetString());
        }

        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
    }

    private Task<KvAnswer> SendAsync(HttpMethod method, string place, string token) => place switch
    {
        "body" => _client.SendAsync(method, _path, KvClient.BodyOf("1", token)),
        "header" => _client.SendAsync(method, _path, """{"value":1}""", headerToken: token),
        _ => _client.SendAsync(method, $"{_path}?causal-metadata={token}", """{"value":1}"""),
    };
}
