using System.Globalization;
using System.Text;
using Kv.Common.Identity;
using Kv.Node.Rest;

namespace Kv.Fuzz.Inputs;

/// <summary>Requests of clients, written as on the wire: a request line, headers, an empty line, the body. Lines end with a line feed alone.</summary>
internal sealed class RestInputs(TokenInputs tokens, IReadOnlyList<string> addresses)
{
    public byte[] Request(Random random)
    {
        var method = random.OneIn(30) ? random.Of("POST", "PATCH", "HEAD", "OPTIONS", "put", "GETT", "TRACE", "A!#$%&'*+-.^_`|~") : random.Of("PUT", "PUT", "GET", "DELETE");
        var isBatch = random.OneIn(12);
        if (isBatch && !random.OneIn(20)) method = "POST";
        var head = new StringBuilder($"{method} {(isBatch ? Batch(random) : Target(random))}\n");
        if (random.OneIn(4)) head.Append($"Causal-Metadata: {OneLine(tokens.Text(random))}\n");
        if (random.OneIn(20)) head.Append($"Causal-Metadata: {OneLine(tokens.Text(random))}\n");
        if (random.OneIn(4)) head.Append($"Content-Type: {random.Of("application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-16", "multipart/form-data", "x", "")}\n");
        if (random.OneIn(10)) head.Append("Transfer-Encoding: chunked\n");
        if (random.OneIn(30)) head.Append($"{random.Of("Accept", "Accept", "Expect", "If-Match", "Range", "X-HTTP-Method-Override", "Host", "Connection")}: {random.Of("*/*", "application/problem+json", "application/problem+json;q=0,,;", "100-continue", "\"x\"", "bytes=0-1", "DELETE", "a:b:c", "upgrade")}\n");
        return [.. Encoding.UTF8.GetBytes(head.Append('\n').ToString()), .. Body(random, isBatch)];
    }

    private byte[] Body(Random random, bool isBatch)
    {
        var body = isBatch && !random.OneIn(12) ? Operations(random) : random.Next(12) switch
        {
            0 => "",
            1 => JsonInputs.Value(random),
            2 or 3 => JsonInputs.Body(random, ("socket-address", $"\"{random.Of(addresses.ToArray().AsSpan())}\""), ("shard-count", random.Of("1", "2", "\"2\"", "0", "-1", "4096", "1e1"))),
            _ => JsonInputs.Body(random, ("value", JsonInputs.Value(random)), ("causal-metadata", random.OneIn(3) ? random.Of("null", "\"\"", "1", "[]", "\"\\ud800\"") : $"\"{tokens.Text(random)}\"")),
        };
        var bytes = Encoding.UTF8.GetBytes(body);
        if (random.OneIn(1000)) return [.. bytes, .. new byte[1 << 20]];
        return random.OneIn(8) ? Mutation.Of(random, bytes) : bytes;
    }

    private string Operations(Random random)
    {
        var operations = Enumerable.Range(0, random.OneIn(40) ? random.Next(120) : random.Next(8)).Select(_ => random.OneIn(60) ? JsonInputs.Value(random) : !random.OneIn(4) ? Sound(random) : JsonInputs.Body(
            random,
            ("method", random.OneIn(20) ? random.Of("\"POST\"", "\"put\"", "\"\"", "1", "null", "\"\\ud800\"") : random.Of("\"GET\"", "\"PUT\"", "\"DELETE\"", "\"PU\\u0054\"")),
            ("key", random.OneIn(6) ? JsonInputs.Text(random) : $"\"k{random.Next(20).ToString(CultureInfo.InvariantCulture)}\""),
            ("value", JsonInputs.Value(random))));
        return JsonInputs.Body(
            random,
            ("operations", random.OneIn(30) ? JsonInputs.Value(random) : $"[{string.Join(',', operations)}]"),
            ("causal-metadata", random.OneIn(3) ? random.Of("null", "\"\"", "1") : $"\"{tokens.Text(random)}\""));
    }

    // All of a batch is refused for one that is not.
    private static string Sound(Random random) =>
        $$"""{"method":"{{random.Of("GET", "PUT", "DELETE")}}","key":"k{{random.Next(20).ToString(CultureInfo.InvariantCulture)}}","value":{{random.Of("1", "[]", "\"x\"")}}}""";

    private static string Batch(Random random) => "/key-value-store-batch" + (random.OneIn(4) ? $"?w={random.Of("local", "majority", "all", "most")}" : "");

    private string Listing(Random random) => "/key-value-store?" + string.Join('&', Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(6) switch
    {
        0 => $"limit={random.Of("1", "2", "5", "100", "1000", "1001", "0", "-1", "1e1", "", "+5", " 5", "99999999999999999999")}",
        1 or 2 => $"cursor={Cursor(random)}",
        3 => $"values={random.Of("true", "false", "TRUE", "", "0")}",
        4 => $"causal-metadata={Uri.EscapeDataString(tokens.Text(random))}",
        _ => $"prefix={(random.OneIn(2) ? random.Of("k", "k1", "", "%6b", "+", "zz") : Segment(random))}",
    }));

    // One that was given out for a key, at times not quite; or one whose position is right for bytes that are no key.
    private static string Cursor(Random random)
    {
        if (random.OneIn(6)) return random.Of("", "AQ", "=", new string('A', random.Next(8000)), Uri.EscapeDataString(Encoding.Latin1.GetString(random.Bytes(40))));
        var cursor = ListCursor.Write(new Key(random.OneIn(8) ? random.Bytes(60) : Encoding.UTF8.GetBytes($"k{random.Next(20).ToString(CultureInfo.InvariantCulture)}")));
        return random.OneIn(6) ? Uri.EscapeDataString(Encoding.Latin1.GetString(Mutation.Of(random, Encoding.Latin1.GetBytes(cursor)))) : cursor;
    }

    private string Target(Random random)
    {
        if (random.OneIn(10)) return Listing(random);
        var path = random.Next(16) switch
        {
            0 => "/key-value-store-view",
            1 => $"/key-value-store-shard/{random.Of("shard-ids", "node-shard-id", "shard-id-members/0", "shard-id-key-count/0", "reshard", "add-member/0", "")}",
            2 => $"/key-value-store-shard/{random.Of("shard-id-members", "shard-id-key-count", "add-member")}/{Segment(random)}",
            3 => random.Of("/", "", "*", "/livez", "/readyz", "/metrics", "/key-value-store", "/key-value-store/", "/key-value-store-batch", "/problems", "/problems/overloaded", "/openapi/v1.json", "//key-value-store/a", "/key-value-store/a/b", "/key-value-store/../livez", "http://x/key-value-store/a", "/KEY-VALUE-STORE/a"),
            4 => $"/{Segment(random)}/{Segment(random)}",
            5 => random.Of("/key-value-store-view/status", "/key-value-store-view/convergence", $"/key-value-store-view/replicas-of/{Segment(random)}", $"/console/{Segment(random)}"),
            _ => $"/key-value-store/{Segment(random)}",
        };
        return path + random.Next(6) switch
        {
            0 => $"?causal-metadata={Uri.EscapeDataString(tokens.Text(random))}",
            1 => $"?w={random.Of("local", "majority", "all", "", "ALL", "%6cocal", "1", "local&w=all")}",
            2 => $"?{string.Join('&', Enumerable.Range(0, random.Length(200)).Select(_ => random.Of("w", "causal-metadata", "%", "=", "%zz", "a=b", "%00", "\u00e9", "w=local")))}",
            3 when random.OneIn(8) => "#fragment?w=local",
            _ => "",
        };
    }

    // Few keys, so that they are found again; and everything that is hard to write in a path.
    private static string Segment(Random random)
    {
        if (!random.OneIn(3)) return $"k{random.Next(20).ToString(CultureInfo.InvariantCulture)}";
        var segment = new StringBuilder();
        for (var left = 1 + random.Length(60); left > 0; left--)
        {
            segment.Append(random.Of(
                "a", "Z", "%2F", "%2f", "%", "%C3%A9", "%C3", "%E9", "%ED%A0%80", "%F0%9F%98%80", "%00", "%0A", "%25", "%2e", ".", "..", "+", ";", "~", "\u00e9", "😀", "%zz", "%1", "&", "=", "@", ":", "%3F", "%C0%80", "%F8%88%80%80%80"));
        }

        return segment.ToString();
    }

    private static string OneLine(string text) => text.Replace('\n', ' ');
}
