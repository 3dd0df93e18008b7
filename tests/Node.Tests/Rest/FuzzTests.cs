using System.Text;
using CsCheck;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class FuzzTests(SingleNode node)
{
    private const int Iterations = 400;

    private static readonly Gen<HttpMethod> Method = Gen.OneOf(HttpMethod.Put, HttpMethod.Get, HttpMethod.Delete, HttpMethod.Post);

    private static readonly Gen<byte[]> Fragments = Gen.OneOf(
            Gen.OneOf("{", "}", "[", "]", ",", ":", "\"", "\\", "\"value\"", "\"causal-metadata\"", "null", "1e9", "-", "\"\\ud800\"", " ", "\n", "{\"value\":", "\u0000")
                .Select(Encoding.UTF8.GetBytes),
            Gen.Byte.Array[0, 4])
        .Array[0, 12].Select(parts => parts.SelectMany(part => part).ToArray());

    // Printable, because the client itself refuses to send anything else in a header or a request line.
    private static readonly Gen<string> Token = Gen.OneOf(
        Gen.Char['!', '~'].Array[0, 200].Select(characters => new string(characters)),
        Gen.OneOf("AQ", "AQAAAAAAAAAA", "AQIDBAUGBwgJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));

    private static readonly Gen<string> Segment = Gen.OneOf(
            Gen.OneOf("%2F", "%", "%C3", "%E9", "..", "a", "b", "%F0%9F%98%80", "+", ";", "~", "%25"),
            Gen.Char['a', 'z'].Select(c => c.ToString()))
        .Array[1, 6].Select(parts => string.Concat(parts));

    private readonly KvClient _client = node.Client;

    [Fact]
    public async Task No_body_makes_the_node_fail() => await Gen.Select(Method, Fragments)
        .SampleAsync(async (method, body) => Check(await _client.SendAsync(method, "/key-value-store/fuzz", body), method, "body " + Convert.ToHexString(body)), iter: Iterations);

    [Fact]
    public async Task No_metadata_makes_the_node_fail() => await Gen.Select(Method, Token)
        .SampleAsync(
            async (method, token) =>
            {
                Check(await _client.SendAsync(method, "/key-value-store/fuzz", "{\"value\":1}", headerToken: token), method, token);
                Check(await _client.SendAsync(method, $"/key-value-store/fuzz?causal-metadata={Uri.EscapeDataString(token)}", "{\"value\":1}"), method, token);
            },
            iter: Iterations);

    [Fact]
    public async Task No_path_or_query_makes_the_node_fail() => await Gen.Select(Method, Segment, Segment)
        .SampleAsync(
            async (method, key, query) => Check(await _client.SendAsync(method, $"/key-value-store/{key}?w={query}&{query}", "{\"value\":1}"), method, $"{key} {query}"),
            iter: Iterations);

    private static void Check(KvAnswer answer, HttpMethod method, string sent)
    {
        Assert.True(answer.Status is < 500 or 503, $"{method} {sent}: {answer}");
        Assert.True(answer.Json is not null, $"{method} {sent}: {answer}");
        if (answer.Status < 400) return;
        Assert.NotEmpty(answer.Error);
        Assert.Equal($"Error in {method}", answer.Message);
    }
}
