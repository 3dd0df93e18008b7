using CsCheck;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class ValueTests(SingleNode node)
{
    public static readonly TheoryData<string> Values =
    [
        "null", "true", "false", "0", "-0", "-0.0", "1e400", "1E+2", "3.14159265358979323846264338327950288419716939937510",
        "123456789012345678901234567890123456789012345678901234567890", "\"\"", "\"text\"", "\"null\"", "[]", "{}", "[ 1 ,\t2,\n\r3 ]",
        """{ "a" : 1, "a" : 2 , "": null }""", """{"value":{"value":1},"causal-metadata":"x"}""", "\"\\u0041\\n\\/\\\\\\\"\\ud83d\\ude00\"", "\"\\u0000\"",
        "\"\\ud800\"", "{\"\\ud800\":1}", "\"/ é ü 漢字 😀 \u2028 \u00a0 <b>&'\"", "\"\u007f\"", "[[[[[[]]]]]]",
    ];

    private readonly KvClient _client = node.Client;
    private readonly string _key = SingleNode.NewKey();

    [Theory]
    [MemberData(nameof(Values))]
    public async Task A_value_comes_back_as_it_was_sent(string value)
    {
        AnswerAssert.Stored(await _client.PutAsync(_key, value), replaced: false);
        AnswerAssert.Found(await _client.GetAsync(_key), value);
    }

    [Fact]
    public async Task A_value_nested_two_hundred_deep_comes_back_as_it_was_sent()
    {
        var value = $"{string.Concat(Enumerable.Repeat("[", 200))}{string.Concat(Enumerable.Repeat("]", 200))}";
        AnswerAssert.Stored(await _client.PutAsync(_key, value), replaced: false);
        AnswerAssert.Found(await _client.GetAsync(_key), value);
    }

    [Fact]
    public async Task A_large_value_comes_back_as_it_was_sent()
    {
        var value = $"\"{new string('x', 1_000_000)}\"";
        AnswerAssert.Stored(await _client.PutAsync(_key, value), replaced: false);
        AnswerAssert.Found(await _client.GetAsync(_key), value);
    }

    [Theory]
    [InlineData("""{"value":1,"value":2}""", "2")]
    [InlineData("""{"val\u0075e":1}""", "1")]
    [InlineData("""  {  "other" : [{"value":3}] , "value"  :  1  }  """, "1")]
    [InlineData("""{"\ud800alue":1,"v\ud800lue":2,"value":1}""", "1")]
    [InlineData("""{"causal-metadata":null,"value":1}""", "1")]
    public async Task The_last_member_named_value_is_the_value(string body, string value)
    {
        AnswerAssert.Stored(await _client.SendAsync(HttpMethod.Put, KvClient.PathOf(_key), body), replaced: false);
        AnswerAssert.Found(await _client.GetAsync(_key), value);
    }

    [Fact]
    public async Task Any_json_comes_back_as_it_was_sent() => await Json.SampleAsync(
        async value =>
        {
            var key = SingleNode.NewKey();
            var put = await _client.PutAsync(key, value);
            Assert.True(put.Status == 201, $"{value}: {put}");
            Assert.Equal(value, (await _client.GetAsync(key)).RawValue);
        },
        iter: 100);

    private static readonly Gen<string> Space = Gen.OneOf("", "", " ", "\n\t");

    private static readonly Gen<string> Text = Gen.OneOf(Gen.Char['a', 'z'].Select(c => c.ToString()), Gen.OneOf("\\u00e9", "é", "\\\"", "😀", "\\ud800", "\\/"))
        .Array[0, 6].Select(parts => $"\"{string.Concat(parts)}\"");

    private static readonly Gen<string> Json = Gen.Recursive<string>((depth, inner) => depth > 4
        ? Text
        : Gen.OneOf(
            Text,
            Gen.OneOf("null", "true", "-1.50e-07", "9999999999999999999999"),
            Gen.Select(Space, inner.Array[0, 3]).Select((space, items) => $"[{space}{string.Join($"{space},", items)}{space}]"),
            Gen.Select(Space, Gen.Select(Text, inner).Array[0, 3])
                .Select((space, members) => $"{{{space}{string.Join(',', members.Select(m => $"{m.Item1}{space}:{space}{m.Item2}"))}{space}}}")));
}
