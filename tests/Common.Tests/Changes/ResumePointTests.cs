using Kv.Common.Causality;
using Kv.Common.Changes;

namespace Kv.Common.Tests.Changes;

public sealed class ResumePointTests
{
    private static readonly CausalTokenCodec Seal = new("secret"u8, new(7));
    private static readonly ResumePoint Point = new(new(3), VersionVector.Of(new Dot(new(new(5), new(1, new(0))), 12), new Dot(new(new(6), new(2, new(1))), 1)));

    [Fact]
    public void A_text_gives_the_point_back()
    {
        var read = ResumePoint.Read(Point.ToText(Seal, "user:"u8), Seal, "user:"u8, out var rejection);
        Assert.Equal(ResumeRejection.None, rejection);
        Assert.Equal(Point, read);
    }

    [Fact]
    public void A_point_of_another_prefix_or_another_cluster_is_refused()
    {
        Assert.Null(ResumePoint.Read(Point.ToText(Seal, "user:"u8), Seal, "user"u8, out var rejection));
        Assert.Equal(ResumeRejection.OtherPrefix, rejection);
        Assert.Null(ResumePoint.Read(Point.ToText(new("secret"u8, new(8)), ""u8), Seal, ""u8, out rejection));
        Assert.Equal(ResumeRejection.OtherCluster, rejection);
    }

    [Fact]
    public void Whatever_text_it_is_it_is_read_or_refused() => Gen.OneOf(Gen.String, Gen.Select(Gen.Int[0, 200], Gen.Char, Changed)).Sample(text =>
    {
        if (text != Point.ToText(Seal, ""u8)) Assert.Null(ResumePoint.Read(text, Seal, ""u8, out _));
    });

    [Fact]
    public void A_token_is_no_resume_point_and_a_resume_point_no_token()
    {
        var token = System.Buffers.Text.Base64Url.EncodeToString(Seal.Seal(CausalToken.None));
        Assert.Null(ResumePoint.Read(token, Seal, ""u8, out _));
        Assert.NotEqual(TokenRejection.None, Seal.TryOpenText(System.Text.Encoding.UTF8.GetBytes(Point.ToText(Seal, ""u8)), out _, out _));
    }

    private static string Changed(int at, char to)
    {
        var text = Point.ToText(Seal, ""u8).ToCharArray();
        text[at % text.Length] = to;
        return new(text);
    }
}
