using Kv.Node.Hosting;

namespace Kv.Node.Tests.Hosting;

public sealed class CommandLineTests
{
    private readonly StringWriter _output = new();

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public async Task Help_names_every_variable_and_where_the_options_stand(string asked)
    {
        Assert.Equal(0, await CommandLine.TryServeAsync([asked], _output));
        foreach (var variable in NodeVariable.All) Assert.Contains(variable.Name, _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("docs/configuration.md", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_is_a_version_alone()
    {
        Assert.Equal(0, await CommandLine.TryServeAsync(["--version"], _output));
        Assert.True(Version.TryParse(_output.ToString().Trim(), out _), _output.ToString());
    }

    [Fact]
    public async Task A_good_configuration_is_said_to_be_good()
    {
        Assert.Equal(0, await CommandLine.TryServeAsync(["--check-config", "--SOCKET_ADDRESS=10.0.0.2:8080", "--VIEW=10.0.0.2:8080,10.0.0.3:8080", "--SHARD_COUNT=2", "--rebuild"], _output));
        Assert.Contains("10.0.0.2:8080, one of 2 in VIEW, begins with SHARD_COUNT 2", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_bad_one_everything_that_is_wrong_is_said_at_once()
    {
        var refused = await Assert.ThrowsAsync<InvalidOptionsException>(() => CommandLine.TryServeAsync(["--check-config", "--SOCKET_ADDRESS=x", "--SHARD_COUNT=none", "--Requests:MaxReads=0"], _output));
        foreach (var wrong in (string[])["SOCKET_ADDRESS", "SHARD_COUNT", "Requests:MaxReads"]) Assert.Contains(wrong, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_asks_for_nothing_gets_a_node() => Assert.Null(await CommandLine.TryServeAsync(["--SHARD_COUNT=1"], _output));
}
