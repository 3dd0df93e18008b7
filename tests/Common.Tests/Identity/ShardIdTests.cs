using Kv.Common.Identity;

namespace Kv.Common.Tests.Identity;

public sealed class ShardIdTests
{
    [Fact]
    public void A_shard_id_is_read_back_as_written() => Gen.Int[0, int.MaxValue].Sample(value =>
    {
        Assert.True(ShardId.TryParse(new ShardId(value).ToString(), out var shard));
        Assert.Equal(value, shard.Value);
    });

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("01")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1\0")]
    [InlineData("1.0")]
    [InlineData("one")]
    [InlineData("2147483648")]
    public void Any_other_form_is_refused(string? text) => Assert.False(ShardId.TryParse(text, out _));
}
