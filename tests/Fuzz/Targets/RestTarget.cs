using System.Text;
using Kv.Fuzz.Hosting;
using Kv.Fuzz.Inputs;
using Microsoft.AspNetCore.Http;

namespace Kv.Fuzz.Targets;

/// <summary>Clients' requests, through everything but the sockets: the handler chain, the paths of reads and writes, the replica.</summary>
internal sealed class RestTarget : IFuzzTarget
{
    private readonly int _members;
    private readonly bool _isSealed;
    private FuzzNode _node;
    private RestInputs _inputs;

    private RestTarget(FuzzNode node, int members, bool isSealed)
    {
        (_node, _members, _isSealed) = (node, members, isSealed);
        _inputs = InputsFor(node);
    }

    /// <summary>A node that is alone, or has a peer that nobody hears; before the seal, or after it.</summary>
    public static async Task<RestTarget> OpenAsync(ulong seed)
    {
        var (members, isSealed) = (1 + (int)(seed % 2), (seed / 2 % 2) == 0);
        return new(await FuzzNode.OpenAsync(members, 1, isSealed), members, isSealed);
    }

    public byte[] Generate(Random random, Corpus corpus) =>
        random.OneIn(6) && corpus.Pick(random) is { } known ? Mutation.Of(random, known, corpus.Pick(random)) : _inputs.Request(random);

    public async ValueTask<string> RunAsync(byte[] input)
    {
        if (_node.HasEnded) await BeginAnewAsync();
        if (Parse(input) is not { } request) return "no request";
        var before = _node.Current;
        var answer = await _node.AskAsync(request);
        var outcome = RestOracle.Judge(request.Method, request.RawTarget, answer.StatusCode, answer.AnswerHeaders.ContentType.ToString(), answer.Answer);
        if (answer.StatusCode is >= 400 and < 500 && !_node.Current.IsAs(before))
            throw new BrokenPromiseException($"refused with {answer.StatusCode}, and leaves a trace: {before} became {_node.Current}");
        return outcome;
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private async Task BeginAnewAsync()
    {
        await _node.DisposeAsync();
        _node = await FuzzNode.OpenAsync(_members, 1, _isSealed);
        _inputs = InputsFor(_node);
    }

    private static RestInputs InputsFor(FuzzNode node) =>
        new(node.Tokens, [.. FuzzNode.Addresses.Select(address => address.ToString()), "nowhere", "10.10.0.3", "a:0", "[::1]:8080"]);

    // Null for bytes that no server would make a request of.
    private static Exchange? Parse(byte[] input)
    {
        var end = input.AsSpan().IndexOf("\n\n"u8);
        var head = Encoding.UTF8.GetString(end < 0 ? input : input.AsSpan(0, end)).Split('\n');
        var body = end < 0 ? [] : input[(end + 2)..];
        var first = head[0].Split(' ', 2);
        if (first.Length < 2 || first[0].Length is 0 or > 64 || !first[0].All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal))) return null;
        var headers = new HeaderDictionary();
        foreach (var line in head.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) headers.Append(line[..colon], line[(colon + 1)..].Trim());
        }

        // Kestrel refuses such a path itself.
        if (first[1].Contains("%00", StringComparison.Ordinal) || first[1].Contains('\0', StringComparison.Ordinal)) return null;
        headers.ContentLength = headers.ContainsKey("Transfer-Encoding") ? null : body.Length;
        return new("HTTP/1.1", first[0], first[1], headers, body, FuzzNode.RestPort);
    }
}
