using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Tests.Causality;

public sealed class CausalTokenCodecTests
{
    private const int SealLength = 16;

    private static readonly ClusterId Cluster = new(0x1122334455667788);
    private static readonly CausalTokenCodec Codec = new("a secret"u8, Cluster);
    private static readonly CausalTokenCodec WithoutSecret = new([], Cluster);

    [Fact]
    public void What_was_sealed_opens_to_the_same_token() => Generators.Token.Sample(token =>
    {
        var bytes = Codec.Seal(token);
        Assert.Equal(TokenRejection.None, Codec.TryOpen(bytes, out var opened));
        Assert.Equal(token, opened);
        Assert.Equal(TokenRejection.None, Codec.TryOpenText(TextOf(bytes), out var read, out _));
        Assert.Equal(token, read);
        Assert.Equal(token, CausalTokenCodec.ReadTrusted(bytes));
    });

    [Fact]
    public void While_the_secret_is_changed_seals_of_both_open_and_each_seals_with_its_own() => Generators.Token.Sample(token =>
    {
        var (before, after) = (new CausalTokenCodec("old"u8, Cluster, ["new"u8.ToArray()]), new CausalTokenCodec("new"u8, Cluster, ["old"u8.ToArray()]));
        Assert.Equal(TokenRejection.None, before.TryOpen(after.Seal(token), out var opened));
        Assert.Equal(token, opened);
        Assert.Equal(TokenRejection.None, after.TryOpen(before.Seal(token), out _));
        Assert.Equal(new CausalTokenCodec("new"u8, Cluster).Seal(token), after.Seal(token));
        Assert.Equal(TokenRejection.Tampered, after.TryOpen(Codec.Seal(token), out _));
        Assert.Equal(TokenRejection.Tampered, after.TryOpen(WithoutSecret.Seal(token), out _));
    });

    [Fact]
    public void Equal_tokens_have_equal_bytes_whoever_seals_them() => Gen.Select(Generators.Dot.Array[0, 8], Generators.Stamp)
        .Sample((dots, stamp) =>
        {
            var forwards = dots.Aggregate(VersionVector.Empty, (all, next) => all.With(next));
            var backwards = dots.Reverse().Aggregate(VersionVector.Empty, (all, next) => all.With(next));
            var elsewhere = new CausalTokenCodec("a secret"u8, Cluster);
            Assert.Equal(Codec.Seal(new(Epoch.First, stamp, forwards)), elsewhere.Seal(new(Epoch.First, stamp, backwards)));
        });

    [Fact]
    public void Any_flipped_bit_of_the_sealed_bytes_is_refused() => Generators.Token.Sample(
        token =>
        {
            var bytes = Codec.Seal(token);
            for (var bit = 0; bit < bytes.Length * 8; bit++)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.NotEqual(TokenRejection.None, Codec.TryOpen(bytes, out var opened));
                Assert.Equal(CausalToken.None, opened);
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        },
        iter: 20);

    [Fact]
    public void Any_flipped_bit_of_the_text_is_refused() => Generators.Token.Sample(
        token =>
        {
            var text = TextOf(Codec.Seal(token));
            for (var bit = 0; bit < text.Length * 8; bit++)
            {
                text[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.NotEqual(TokenRejection.None, Codec.TryOpenText(text, out _, out _));
                text[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        },
        iter: 20);

    [Fact]
    public void A_token_cut_short_anywhere_is_refused() => Generators.Token.Sample(
        token =>
        {
            var bytes = Codec.Seal(token);
            var text = TextOf(bytes);
            for (var length = 0; length < bytes.Length; length++) Assert.NotEqual(TokenRejection.None, Codec.TryOpen(bytes.AsSpan(0, length), out _));
            for (var length = 0; length < text.Length; length++) Assert.NotEqual(TokenRejection.None, Codec.TryOpenText(text.AsSpan(0, length), out _, out _));
        },
        iter: 50);

    [Fact]
    public void A_token_with_anything_appended_is_refused() => Gen.Select(Generators.Token, Gen.Byte).Sample((token, extra) =>
    {
        var bytes = Codec.Seal(token);
        Assert.NotEqual(TokenRejection.None, Codec.TryOpen([.. bytes, extra], out _));
        Assert.NotEqual(TokenRejection.None, Codec.TryOpenText([.. TextOf(bytes), extra], out _, out _));
    });

    [Fact]
    public void A_token_of_another_cluster_is_named_as_such() => Gen.Select(Generators.Token, Gen.ULong).Where(pair => pair.Item2 != Cluster.Value)
        .Sample((token, other) =>
        {
            var bytes = new CausalTokenCodec("a secret"u8, new(other)).Seal(token);
            Assert.Equal(TokenRejection.ForeignCluster, Codec.TryOpen(bytes, out _));
            Assert.Equal(TokenRejection.ForeignCluster, Codec.TryOpenText(TextOf(bytes), out _, out _));
            Assert.Equal(TokenRejection.ForeignCluster, WithoutSecret.TryOpen(new CausalTokenCodec([], new(other)).Seal(token), out _));
        });

    [Fact]
    public void A_token_sealed_with_another_secret_is_a_forgery() => Generators.Token.Sample(token =>
        Assert.Equal(TokenRejection.Tampered, Codec.TryOpen(new CausalTokenCodec("another secret"u8, Cluster).Seal(token), out _)));

    [Fact]
    public void Random_input_never_throws_and_never_opens() => Gen.Byte.Array[0, 200].Sample(noise =>
    {
        byte[] plausible = [1, .. Codec.Seal(CausalToken.None).AsSpan(1, 8), .. noise];
        Assert.NotEqual(TokenRejection.None, Codec.TryOpen(noise, out _));
        Assert.NotEqual(TokenRejection.None, Codec.TryOpen(plausible, out _));
        Assert.NotEqual(TokenRejection.None, Codec.TryOpenText(noise, out _, out _));
        Assert.NotEqual(TokenRejection.None, Codec.TryOpenText(TextOf(noise), out _, out _));
    });

    // Anyone can compute this seal, so the reader of the content is all that stands between a forger and the cluster.
    [Fact]
    public void Whatever_opens_is_the_canonical_form_of_what_it_opens_to() => Gen.Select(Generators.Token, Gen.Int[9, 400], Gen.Byte, Gen.Int[0, 2])
        .Sample(
            (token, at, value, edit) =>
            {
                var content = WithoutSecret.Seal(token).AsSpan()[..^SealLength].ToArray().ToList();
                at = Math.Min(at, content.Count - 1);
                if (edit == 0) content[at] = value;
                else if (edit == 1) content.Insert(at, value);
                else content.RemoveAt(at);
                var bytes = SealByHand([.. content]);
                if (WithoutSecret.TryOpen(bytes, out var opened) == TokenRejection.None) Assert.Equal(bytes, WithoutSecret.Seal(opened));
            },
            iter: 2000);

    [Theory]
    [InlineData("81 00", "00", "the epoch in more bytes than it needs")]
    [InlineData("ff ff ff ff ff ff ff ff ff 02", "00", "an epoch of more than 64 bits")]
    [InlineData("01", "01 00 00", "a group without dots")]
    [InlineData("01", "02 01 01 00 00 00 00 00 00 00 01 05 00 01 00 00 00 00 00 00 00 01 05", "groups that descend")]
    [InlineData("01", "02 01 01 00 00 00 00 00 00 00 01 05 01 01 00 00 00 00 00 00 00 02 05", "a group named twice")]
    [InlineData("01", "01 80 80 80 80 10 01 00 00 00 00 00 00 00 01 05", "a group of more than 32 bits")]
    [InlineData("01", "01 81 00 01 00 00 00 00 00 00 00 01 05", "a group in more bytes than it needs")]
    [InlineData("01", "01 00 02 00 00 00 00 00 00 00 01 05 00 00 00 00 00 00 00 01 06", "an incarnation named twice")]
    [InlineData("01", "01 00 02 00 00 00 00 00 00 00 02 05 00 00 00 00 00 00 00 01 05", "incarnations that descend")]
    [InlineData("01", "01 00 01 00 00 00 00 00 00 00 00 05", "nobody's dot")]
    [InlineData("01", "01 00 01 00 00 00 00 00 00 00 01 00", "a dot numbered zero")]
    [InlineData("01", "ff ff ff ff 7f", "more groups than bytes")]
    [InlineData("01", "00 00", "something after the end")]
    public void Content_that_is_not_canonical_is_malformed_even_when_its_seal_is_right(string epoch, string dependencies, string why)
    {
        byte[] content = [1, .. WithoutSecret.Seal(CausalToken.None).AsSpan(1, 8), .. Hex(epoch), .. new byte[8], .. Hex(dependencies)];
        Assert.True(WithoutSecret.TryOpen(SealByHand(content), out _) == TokenRejection.Malformed, why);
    }

    [Fact]
    public void A_text_that_differs_only_in_bits_no_byte_holds_is_refused() => Generators.Token.Sample(token =>
    {
        var bytes = Codec.Seal(token);
        var text = TextOf(bytes);
        if (bytes.Length % 3 == 0) return;
        foreach (var last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8)
        {
            byte[] variant = [.. text.AsSpan()[..^1], last];
            if (!variant.AsSpan().SequenceEqual(text)) Assert.NotEqual(TokenRejection.None, Codec.TryOpenText(variant, out _, out _));
        }
    });

    [Theory]
    [InlineData("=")]
    [InlineData("==")]
    [InlineData(" ")]
    [InlineData("\n")]
    public void Padding_and_blanks_are_refused(string extra)
    {
        for (ulong epoch = 1; epoch < 1UL << 40; epoch <<= 7)
        {
            var text = TextOf(Codec.Seal(CausalToken.None with { Epoch = new(epoch) }));
            Assert.Equal(TokenRejection.Malformed, Codec.TryOpenText([.. text, .. Encoding.ASCII.GetBytes(extra)], out _, out _));
            Assert.Equal(TokenRejection.Malformed, Codec.TryOpenText([.. Encoding.ASCII.GetBytes(extra), .. text], out _, out _));
        }
    }

    [Fact]
    public void Oversized_input_is_refused()
    {
        var bytes = Codec.Seal(CausalToken.None);
        byte[] large = [.. bytes, .. new byte[CausalTokenCodec.MaxSealedLength]];
        Assert.Equal(TokenRejection.Malformed, Codec.TryOpen(large, out _));
        Assert.Equal(TokenRejection.Malformed, Codec.TryOpenText(TextOf(large), out _, out _));
    }

    [Fact]
    public void A_damaged_stored_token_throws() => Gen.Byte.Array[0, 24].Sample(noise =>
        Assert.Throws<InvalidDataException>(() => CausalTokenCodec.ReadTrusted(noise)));

    [Fact]
    public void A_token_of_six_nodes_in_two_shards_is_at_most_512_characters_whatever_the_numbers()
    {
        var dependencies = VersionVector.Of(Enumerable.Range(0, 6).Select(node => new Dot(new(new(ulong.MaxValue - (ulong)node), new(node % 2 == 0 ? uint.MaxValue : 0)), ulong.MaxValue)));
        Assert.InRange(Base64Url.GetEncodedLength(Codec.Seal(new(new(ulong.MaxValue), new(ulong.MaxValue), dependencies)).Length), 1, 512);
    }

    [Fact]
    public void An_idle_token_holds_epoch_and_stamp_alone() =>
        Assert.Equal(1 + 8 + 1 + 8 + 1 + SealLength, Codec.Seal(new(Epoch.First, HybridTimestamp.At(1767225600000), VersionVector.Empty)).Length);

    private static byte[] TextOf(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToUtf8(bytes);

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    private static byte[] SealByHand(byte[] content) =>
        [.. content, .. HMACSHA256.HashData(Encoding.UTF8.GetBytes(Cluster.ToString()), content).AsSpan(0, SealLength)];
}
