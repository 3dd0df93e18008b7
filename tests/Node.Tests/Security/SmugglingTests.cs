using Kv.Node.Tests.Rest;

namespace Kv.Node.Tests.Security;

/// <summary>Requests of which a proxy in front may see another end than the node does: what one takes for a body, the other must not serve.</summary>
[Collection(nameof(SingleNode))]
public sealed class SmugglingTests(SingleNode node)
{
    [Theory]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 5")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6")]
    [InlineData("Content-Length: 5, 6")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: identity")]
    [InlineData("Transfer-Encoding: chunked, identity")]
    [InlineData("Transfer-Encoding: xchunked")]
    [InlineData("Transfer-Encoding : chunked")]
    [InlineData(" Transfer-Encoding: chunked")]
    [InlineData("X: y\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")]
    public async Task A_body_of_two_lengths_hides_no_second_request(string lengths)
    {
        var (visible, hidden) = (SingleNode.NewKey("visible"), SingleNode.NewKey("hidden"));
        var smuggled = $"PUT /key-value-store/{hidden} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{{\"value\":1}}";
        using var connection = await RawConnection.OpenAsync(node.Node.Port);
        await connection.SendAsync($"PUT /key-value-store/{visible} HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}");
        connection.EndSending();
        await connection.TryReadToEndAsync();
        AnswerAssert.Absent(await node.Client.GetAsync(hidden), "GET");
    }

    [Theory]
    [InlineData("5;x\n\r\n")]
    [InlineData("0x5\r\n")]
    [InlineData("-5\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFF\r\n")]
    public async Task A_chunk_of_an_odd_length_hides_none_either(string length)
    {
        var hidden = SingleNode.NewKey("hidden");
        var smuggled = $"PUT /key-value-store/{hidden} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{{\"value\":1}}";
        using var connection = await RawConnection.OpenAsync(node.Node.Port);
        await connection.SendAsync($"PUT /key-value-store/{SingleNode.NewKey()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{length}0\r\n\r\n{smuggled}");
        connection.EndSending();
        await connection.TryReadToEndAsync();
        AnswerAssert.Absent(await node.Client.GetAsync(hidden), "GET");
    }

    [Fact]
    public async Task Every_answer_says_that_it_is_no_page_and_not_to_be_kept()
    {
        foreach (var path in (string[])["/livez", "/metrics", "/key-value-store-view", "/key-value-store/nothing", "/nothing", "/key-value-store-shard/shard-ids"])
        {
            var answer = await node.Client.GetPathAsync(path);
            Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
            Assert.Contains("no-store", answer.Header("Cache-Control"), StringComparison.Ordinal);
            Assert.Null(answer.Header("Server"));
        }
    }
}
