using Kv.Common.Identity;

namespace Kv.Common.Tests.Identity;

public sealed class NodeAddressTests
{
    [Theory]
    [InlineData("10.10.0.2:8080", "10.10.0.2:8080")]
    [InlineData(" 10.10.0.2:8080 ", "10.10.0.2:8080")]
    [InlineData("Node-1.Example:1", "node-1.example:1")]
    [InlineData("kv_node:65535", "kv_node:65535")]
    [InlineData("[::1]:8080", "[::1]:8080")]
    [InlineData("[2001:DB8:0:0:0:0:0:1]:8080", "[2001:db8::1]:8080")]
    public void An_address_has_one_written_form(string text, string written)
    {
        Assert.True(NodeAddress.TryParse(text, out var address));
        Assert.Equal(written, address.ToString());
        Assert.Equal(address, NodeAddress.Parse(written));
        Assert.Equal(address.GetHashCode(), NodeAddress.Parse(written).GetHashCode());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("10.10.0.2")]
    [InlineData(":8080")]
    [InlineData("10.10.0.2:")]
    [InlineData("10.10.0.2:0")]
    [InlineData("10.10.0.2:65536")]
    [InlineData("10.10.0.2:-1")]
    [InlineData("10.10.0.2:+1")]
    [InlineData("10.10.0.2:80 80")]
    [InlineData("10.10.0.2:8080x")]
    [InlineData("10.10.0.2:99999999999")]
    [InlineData("10.10.0.256:8080")]
    [InlineData("10.10.0:8080")]
    [InlineData("10.10.0.02:8080")]
    [InlineData("10.10.0.2.:8080")]
    [InlineData("1234:8080")]
    [InlineData("::1:8080")]
    [InlineData("[::1]")]
    [InlineData("[::1:8080")]
    [InlineData("[10.10.0.2]:8080")]
    [InlineData("[[::1]]:8080")]
    [InlineData("[[::1]:1]:8080")]
    [InlineData("[fe80::1%1]:8080")]
    [InlineData("[]:8080")]
    [InlineData("no de:8080")]
    [InlineData("-node:8080")]
    [InlineData("node-:8080")]
    [InlineData("node..example:8080")]
    [InlineData("node.:8080")]
    [InlineData("nöde:8080")]
    [InlineData("node/x:8080")]
    [InlineData("http://node:8080")]
    [InlineData("a,b:8080")]
    public void What_is_no_address_is_refused(string? text)
    {
        Assert.False(NodeAddress.TryParse(text, out _));
        if (text is not null) Assert.Throws<FormatException>(() => NodeAddress.Parse(text));
    }

    [Fact]
    public void Labels_are_at_most_63_and_names_at_most_253_characters()
    {
        Assert.True(NodeAddress.TryParse($"{new string('a', 63)}:1", out _));
        Assert.False(NodeAddress.TryParse($"{new string('a', 64)}:1", out _));
        Assert.False(NodeAddress.TryParse($"{string.Join('.', Enumerable.Repeat("abc", 64))}:1", out _));
    }

    [Fact]
    public void Addresses_sort_by_number_then_port_with_ipv4_before_ipv6_before_names()
    {
        string[] sorted =
        [
            "9.0.0.1:9000", "10.10.0.2:8080", "10.10.0.2:10000", "10.10.0.10:80", "192.168.0.1:1", "[::1]:80", "[::2]:79", "[2001:db8::1]:1",
            "a:2", "b:1", "b.example:1", "node10:1", "node2:1",
        ];
        Gen.Shuffle(sorted).Sample(shuffled => Assert.Equal(sorted, shuffled.Select(NodeAddress.Parse).Order().Select(address => address.ToString())));
    }

    [Fact]
    public void Addresses_compare_as_equal_exactly_when_they_are_equal()
    {
        var any = Gen.OneOf("10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1", "[::1]:1", "[0::1]:1", "[::ffff:10.0.0.1]:1", "a:1", "A:1", "b:1").Select(NodeAddress.Parse);
        Gen.Select(any, any, any).Sample((a, b, c) =>
        {
            Assert.Equal(a.Equals(b), a.CompareTo(b) == 0);
            Assert.Equal(Math.Sign(a.CompareTo(b)), -Math.Sign(b.CompareTo(a)));
            if (a.CompareTo(b) <= 0 && b.CompareTo(c) <= 0) Assert.True(a.CompareTo(c) <= 0);
        });
    }
}
