using System.Text;
using Kv.Common.Identity;

namespace Kv.Common.Tests.Identity;

public sealed class KeyTests
{
    // Few and short, so that equal ones meet.
    private static readonly Gen<byte[]> Bytes = Gen.Byte[97, 99].Array[1, 3];

    [Fact]
    public void Keys_are_equal_exactly_when_their_bytes_are() => Gen.Select(Bytes, Bytes).Sample((a, b) =>
    {
        Assert.Equal(a.AsSpan().SequenceEqual(b), new Key(a) == new Key(b));
        Assert.Equal(new Key(a) == new Key(b), new Key(a).CompareTo(new Key(b)) == 0);
        if (new Key(a) == new Key(b)) Assert.Equal(new Key(a).GetHashCode(), new Key(b).GetHashCode());
    });

    [Fact]
    public void Keys_sort_by_position_on_the_ring() => Gen.Select(Bytes, Bytes).Sample((a, b) =>
    {
        var (left, right) = (new Key(a), new Key(b));
        if (left.Position != right.Position) Assert.Equal(left.Position < right.Position, left.CompareTo(right) < 0);
        Assert.Equal(Math.Sign(left.CompareTo(right)), -Math.Sign(right.CompareTo(left)));
    });

    [Fact]
    public void A_key_made_of_text_is_the_key_of_its_utf8_bytes() => Gen.OneOf("a", "ключ", "鍵", "🔑", "a b").Sample(text =>
    {
        Assert.Equal(new Key(Encoding.UTF8.GetBytes(text)), new Key(text));
        Assert.Equal(text, new Key(text).ToString());
    });
}
