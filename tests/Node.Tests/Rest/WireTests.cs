using System.Text.RegularExpressions;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed partial class WireTests(SingleNode node)
{
    private readonly int _port = node.Node.Port;
    private readonly KvClient _client = node.Client;
    private readonly string _key = SingleNode.NewKey();

    [Fact]
    public async Task An_absolute_target_names_the_same_key()
    {
        await _client.PutAsync(_key, "\"v\"");
        var answer = await RawConnection.ExchangeAsync(_port, $"GET http://elsewhere:99/key-value-store/{_key}?x=1 HTTP/1.1\r\nHost: elsewhere:99\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.Contains("\"value\":\"v\"", answer);
    }

    [Theory]
    [InlineData("GET /key-value-store/ HTTP/1.1", 404)]
    [InlineData("GET /key-value-stores HTTP/1.1", 404)]
    [InlineData("PUT /key-value-store/a/b HTTP/1.1", 404)]
    [InlineData("GET /key-value-store/a/../b HTTP/1.1", 404)]
    [InlineData("GET /./key-value-store/a/b HTTP/1.1", 404)]
    [InlineData("GET http://host HTTP/1.1", 404)]
    [InlineData("OPTIONS * HTTP/1.1", 404)]
    [InlineData("BREW /key-value-store/a HTTP/1.1", 405)]
    public async Task Odd_requests_get_json_errors(string line, int status)
    {
        var host = line.Contains("http://", StringComparison.Ordinal) ? "host" : "x";
        var answer = await RawConnection.ExchangeAsync(_port, $"{line}\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains("\"error\":", answer);
        Assert.Contains("\"message\":\"Error in ", answer);
    }

    [Fact]
    public async Task Requests_in_a_pipeline_are_answered_in_order()
    {
        var requests = string.Concat(Enumerable.Range(0, 20).Select(i =>
        {
            var body = $$"""{"value":{{i}}}""";
            return $"PUT /key-value-store/{_key} HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}GET /key-value-store/{_key} HTTP/1.1\r\nHost: x\r\n\r\n";
        }));
        var answers = await RawConnection.ExchangeAsync(_port, $"{requests}GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), ValueOf().Matches(answers).Select(match => match.Groups[1].Value));
        Assert.Equal(41, StatusLine().Count(answers));
    }

    [Fact]
    public async Task A_connection_outlives_refused_requests()
    {
        using var connection = await RawConnection.OpenAsync(_port);
        string[] refused =
        [
            "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
            "PUT /key-value-store/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{x}",
            "BREW /key-value-store/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{x}",
            "PUT /key-value-store/%FF HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{\"value\":1}",
            "GET /key-value-store/a HTTP/1.1\r\nHost: x\r\nCausal-Metadata: x\r\n\r\n",
        ];
        foreach (var request in refused)
        {
            await connection.SendAsync(request);
            Assert.Matches("^HTTP/1.1 40[0-9] ", await connection.ReadOneAsync());
        }

        await connection.SendAsync($"PUT /key-value-store/{_key} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{{\"v\r\n8\r\nalue\":1}}\r\n0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 201 ", await connection.ReadOneAsync());
    }

    [Fact]
    public async Task A_chunked_body_over_the_limit_is_refused_before_it_ends()
    {
        using var connection = await RawConnection.OpenAsync(_port);
        await connection.SendAsync($"PUT /key-value-store/{_key} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        var chunk = new string('x', 1 << 16);
        for (var i = 0; i < 17; i++) await connection.SendAsync($"10000\r\n{chunk}\r\n");
        var answer = await connection.ReadOneAsync();
        Assert.StartsWith("HTTP/1.1 413 ", answer);
        Assert.Contains("\"error\":\"Body is too large\"", answer);
    }

    [Theory]
    [InlineData("Content-Length: 5000000\r\n\r\n")]
    [InlineData("Content-Length: 9223372036854775807\r\n\r\n")]
    public async Task A_declared_length_over_the_limit_is_refused_before_it_comes(string rest)
    {
        using var connection = await RawConnection.OpenAsync(_port);
        await connection.SendAsync($"PUT /key-value-store/{_key} HTTP/1.1\r\nHost: x\r\n{rest}");
        var answer = await connection.ReadOneAsync();
        Assert.StartsWith("HTTP/1.1 413 ", answer);
        Assert.Contains("\"message\":\"Error in PUT\"", answer);
    }

    [Fact]
    public async Task A_malformed_chunk_is_refused_in_json()
    {
        var answer = await RawConnection.ExchangeAsync(_port, $"PUT /key-value-store/{_key} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("\"error\":\"Bad request\"", answer);
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
    }

    [Fact]
    public async Task A_body_that_breaks_off_writes_nothing()
    {
        using var connection = await RawConnection.OpenAsync(_port);
        await connection.SendAsync($"PUT /key-value-store/{_key} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{\"value\":1}}");
        connection.EndSending();
        var answer = await connection.TryReadToEndAsync();
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), answer);
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
    }

    [Fact]
    public async Task A_null_character_in_the_path_is_refused_by_the_server_itself()
    {
        var answer = await RawConnection.ExchangeAsync(_port, "GET /key-value-store/a%00b HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", answer);
    }

    [Fact]
    public async Task Http_1_0_is_answered()
    {
        await _client.PutAsync(_key, "1");
        Assert.StartsWith("HTTP/1.1 200 ", await RawConnection.ExchangeAsync(_port, $"GET /key-value-store/{_key} HTTP/1.0\r\n\r\n"));
    }

    [GeneratedRegex("\"value\":(\\d+)")]
    private static partial Regex ValueOf();

    [GeneratedRegex("HTTP/1.1 20[01] ")]
    private static partial Regex StatusLine();
}
