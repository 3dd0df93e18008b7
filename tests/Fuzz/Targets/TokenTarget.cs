using System.Buffers.Text;
using System.Text;
using Kv.Common.Causality;
using Kv.Fuzz.Inputs;

namespace Kv.Fuzz.Targets;

/// <summary>The causal token as clients send it. What opens is exactly what sealing its content gives.</summary>
internal sealed class TokenTarget : IFuzzTarget
{
    private readonly TokenInputs _tokens = new(new(0xfeed), [new(1), new(2), new(0xffffffffffffffff)]);

    public byte[] Generate(Random random, Corpus corpus) => random.Next(6) switch
    {
        0 => random.Bytes(200),
        1 when corpus.Pick(random) is { } known => Mutation.Of(random, known),
        _ => Encoding.UTF8.GetBytes(_tokens.Text(random)),
    };

    public ValueTask<string> RunAsync(byte[] input) => new(Bounds.Allocating(input.Length, () => Open(input)));

    public ValueTask DisposeAsync() => default;

    private string Open(byte[] input)
    {
        var rejection = _tokens.Codec.TryOpenText(input, out var token, out var @sealed);
        var binary = _tokens.Codec.TryOpen(input, out _);
        if (rejection != TokenRejection.None) return $"{rejection}, {binary}";
        if (!_tokens.Codec.Seal(token).AsSpan().SequenceEqual(@sealed.Span)) throw new BrokenPromiseException("a token opens that sealing does not give");
        if (Base64Url.EncodeToString(@sealed.Span) != Encoding.UTF8.GetString(input)) throw new BrokenPromiseException("a text opens that is not the text of its token");
        return $"opened with {Math.Min(token.Dependencies.Count, 3)} dots{(CausalTokenCodec.ReadTrusted(@sealed.Span).Equals(token) ? "" : ", read otherwise when trusted")}";
    }
}
