using System.Buffers.Binary;

namespace Kv.Fuzz.Inputs;

/// <summary>Changes bytes without knowing what they mean.</summary>
internal static class Mutation
{
    private const int MostBytes = 256 << 10;

    /// <summary>One to four changes.</summary>
    public static byte[] Of(Random random, byte[] input, byte[]? other = null)
    {
        for (var left = 1 + random.Length(3); left > 0; left--) input = Once(random, input, other);
        return input.Length <= MostBytes ? input : input[..MostBytes];
    }

    private static byte[] Once(Random random, byte[] input, byte[]? other)
    {
        var at = random.Next(input.Length + 1);
        var length = Math.Min(random.Length(64), input.Length - at);
        switch (random.Next(9))
        {
            case 0 when input.Length > at:
                return Changed(input, copy => copy[at] ^= (byte)(1 << random.Next(8)));
            case 1 when input.Length > at:
                return Changed(input, copy => copy[at] = random.Of<byte>(0, 1, 0x7f, 0x80, 0xff, (byte)'"', (byte)'%', (byte)'\n', (byte)random.Next(256)));
            case 2:
                return [.. input.AsSpan(0, at), .. random.Bytes(random.OneIn(50) ? 4096 : 8), .. input.AsSpan(at)];
            case 3:
                return [.. input.AsSpan(0, at), .. input.AsSpan(at + length)];
            case 4:
                return [.. input.AsSpan(0, at + length), .. input.AsSpan(at)];
            case 5:
                return input[..at];
            case 6 when other is { Length: > 0 }:
                return [.. input.AsSpan(0, at), .. other.AsSpan(random.Next(other.Length))];
            case 7 when input.Length >= at + 8:
                return Changed(input, copy => BinaryPrimitives.WriteUInt64BigEndian(copy.AsSpan(at), random.Number()));
            case 8 when input.Length >= at + 4:
                return Changed(input, copy => BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(at), (uint)random.Number()));
            default:
                return input;
        }
    }

    private static byte[] Changed(byte[] input, Action<byte[]> change)
    {
        var copy = (byte[])input.Clone();
        change(copy);
        return copy;
    }
}
