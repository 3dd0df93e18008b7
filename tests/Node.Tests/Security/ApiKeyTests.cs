using Kv.Node.Security;

namespace Kv.Node.Tests.Security;

public sealed class ApiKeyTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public void A_key_that_was_made_is_known_by_its_line_and_the_line_does_not_tell_the_key()
    {
        var (key, known) = ApiKey.Make("alice", Role.Write);
        var (other, _) = ApiKey.Make("alice", Role.Write);
        Assert.NotEqual(key, other);
        Assert.DoesNotContain(key, known.ToString(), StringComparison.Ordinal);
        var keys = Load($"# people\n\n{known}\n");
        Assert.Equal(("alice", Role.Write), (keys.Find(key)?.Name, keys.Find(key)?.Role));
        Assert.Null(keys.Find(other));
    }

    [Fact]
    public void What_is_not_exactly_a_key_is_none()
    {
        var (key, known) = ApiKey.Make("alice", Role.Admin);
        var keys = Load(known.ToString());
        foreach (var presented in (string[])["", " ", key[..^1], key + "x", key.ToUpperInvariant(), " " + key, known.ToString(), Convert.ToHexString(known.Hash), new string('x', 10_000), "kv_\ud800", "\0"])
            Assert.Null(keys.Find(presented));
    }

    [Theory]
    [InlineData("alice write")]
    [InlineData("alice write 0123")]
    [InlineData("alice write sha256:0123")]
    [InlineData("alice root sha256:0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("alice Write sha256:0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("al/ice write sha256:0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("alice write sha256:000000000000000000000000000000000000000000000000000000000000000g")]
    [InlineData("alice write sha256:0000000000000000000000000000000000000000000000000000000000000000 more")]
    public void One_wrong_line_refuses_the_file_by_its_number_and_does_not_repeat_it(string wrong)
    {
        var refused = Assert.Throws<UnusableFileException>(() => Load($"# first\n{ApiKey.Make("bob", Role.Read).Known}\n{wrong}\n"));
        Assert.Contains("line 3", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(wrong, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_or_a_key_stands_only_once()
    {
        var (_, known) = ApiKey.Make("alice", Role.Read);
        Assert.Contains("second time", Assert.Throws<UnusableFileException>(() => Load($"{known}\n{ApiKey.Make("alice", Role.Read).Known}")).Message, StringComparison.Ordinal);
        Assert.Contains("second time", Assert.Throws<UnusableFileException>(() => Load($"{known}\n{known with { Name = "bob" }}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_without_keys_would_keep_everybody_out_and_is_refused() => Assert.Throws<UnusableFileException>(() => Load("# nobody\n"));

    public void Dispose() => File.Delete(_file);

    private ApiKeys Load(string text)
    {
        File.WriteAllText(_file, text);
        return ApiKeys.Load("KV_API_KEYS_FILE", _file);
    }
}
