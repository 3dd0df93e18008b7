using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Fuzz.Inputs;

/// <summary>
/// Causal tokens, sealed with the key of a cluster without a secret: anybody who has seen a token of it can seal another one, with whatever in it.
/// </summary>
internal sealed class TokenInputs(ClusterId cluster, IReadOnlyList<Incarnation> incarnations)
{
    private const int SealLength = 16;

    private readonly CausalTokenCodec _codec = new([], cluster);
    private readonly byte[] _key = Encoding.UTF8.GetBytes(cluster.ToString());

    public CausalTokenCodec Codec => _codec;

    /// <summary>The clients' form, at times not quite.</summary>
    public string Text(Random random)
    {
        if (random.OneIn(10)) return random.Of("", "null", "AQ", "=", "A", "AAAA====", "+/+/", "\u00e9", new string('A', random.Next(30_000)));
        var text = Base64Url.EncodeToString(Sealed(random));
        return random.Next(12) switch
        {
            0 => Encoding.Latin1.GetString(Mutation.Of(random, Encoding.Latin1.GetBytes(text))),
            1 => text + "=",
            2 => $" {text}",
            _ => text,
        };
    }

    /// <summary>A token that opens, one that was changed after it was sealed, or one that was sealed around nonsense.</summary>
    public byte[] Sealed(Random random)
    {
        var @sealed = _codec.Seal(Token(random));
        return random.Next(6) switch
        {
            0 => Mutation.Of(random, @sealed),
            1 => Reseal(Mutation.Of(random, @sealed[..^SealLength])),
            2 when random.OneIn(4) => Reseal([1, .. @sealed.AsSpan(1, 8), .. random.Bytes(random.OneIn(10) ? 20_000 : 60)]),
            _ => @sealed,
        };
    }

    public CausalToken Token(Random random)
    {
        // Mostly one whose past is there: others have to be waited for, and that takes its time.
        if (!random.OneIn(12)) return new(new((ulong)random.Next(3)), Stamp(random), VersionVector.Of(random.OneIn(2) ? [] : [new Dot(new(incarnations[0], new(0)), 1)]));
        return new(random.OneIn(4) ? new(random.Number()) : new((ulong)random.Next(3)), Stamp(random), Vector(random));
    }

    public VersionVector Vector(Random random) =>
        VersionVector.Of(Enumerable.Range(0, random.Length(random.OneIn(50) ? 2000 : 12)).Select(_ => Dot(random)));

    public Dot Dot(Random random) => new(
        new(random.OneIn(3) ? new(random.Number()) : incarnations[random.Next(incarnations.Count)], new(random.OneIn(4) ? (uint)random.Number() : 0)),
        random.OneIn(3) ? random.Number() : (ulong)random.Next(1, 20));

    public static HybridTimestamp Stamp(Random random)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return random.Next(12) switch
        {
            0 => new(random.Number()),
            1 => new((ulong)(now + random.Of(400, 600, 1000, 59_000, 61_000, 100_000_000)) << 16),
            2 => new((ulong)now << 16),
            _ => new((ulong)(now - random.Next(1_000_000)) << 16 | (ushort)random.Next(65536)),
        };
    }

    /// <summary>The content with a seal that fits.</summary>
    public byte[] Reseal(byte[] content) => [.. content, .. HMACSHA256.HashData(_key, content).AsSpan(0, SealLength)];
}
