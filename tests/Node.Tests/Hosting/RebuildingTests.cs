using Kv.Node.Hosting;
using Kv.Node.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Hosting;

/// <summary>When data may be put aside so that a node begins anew, and when not.</summary>
public sealed class RebuildingTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-rebuilding-").FullName;

    public RebuildingTests() => File.WriteAllText(Path.Combine(_directory, GenesisFile.Name), "1");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("--rebuild", "true")]
    [InlineData("--rebuild=force", "force")]
    public void The_argument_is_a_setting_and_takes_nothing_from_what_follows(string argument, string value)
    {
        var configuration = new ConfigurationBuilder().AddCommandLine(Rebuilding.TranslateArguments([argument, "--SOCKET_ADDRESS=10.0.0.2:8080"])).Build();
        Assert.Equal((value, "10.0.0.2:8080"), (configuration["KV_REBUILD"], configuration["SOCKET_ADDRESS"]));
    }

    [Fact]
    public async Task Damage_is_refused_and_nothing_touched_unless_a_rebuild_was_asked_for()
    {
        var refused = await Assert.ThrowsAsync<StorageDamagedException>(() => BuildAsync("false", "10.0.0.2:8080,10.0.0.3:8080", damagedTimes: 1));
        Assert.Contains("--rebuild", refused.Message, StringComparison.Ordinal);
        Assert.True(IsThere);
    }

    [Fact]
    public async Task Damaged_data_are_put_aside_and_the_node_is_built_once_more()
    {
        Assert.Equal("built", await BuildAsync("true", "10.0.0.2:8080,10.0.0.3:8080", damagedTimes: 1));
        Assert.False(IsThere);
        Assert.NotNull(DamagedData.FindAside(_directory));
    }

    [Fact]
    public async Task Sound_data_are_left_alone_by_a_rebuild_and_put_aside_by_a_forced_one()
    {
        await BuildAsync("true", "10.0.0.2:8080,10.0.0.3:8080", damagedTimes: 0);
        Assert.True(IsThere);
        await BuildAsync("force", "10.0.0.2:8080,10.0.0.3:8080", damagedTimes: 0);
        Assert.False(IsThere);
    }

    [Fact]
    public async Task Force_puts_aside_once_as_long_as_what_was_put_aside_lies_there()
    {
        await BuildAsync("force", "10.0.0.2:8080", damagedTimes: 0);
        File.WriteAllText(Path.Combine(_directory, GenesisFile.Name), "2");
        await BuildAsync("force", "10.0.0.2:8080", damagedTimes: 0);
        Assert.True(IsThere);
    }

    [Fact]
    public async Task Nobody_who_could_fill_it_is_a_reason_not_to_begin_anew_unless_forced()
    {
        var refused = await Assert.ThrowsAsync<StorageDamagedException>(() => BuildAsync("true", "10.0.0.2:8080", damagedTimes: 1));
        Assert.Contains("--rebuild=force", refused.Message, StringComparison.Ordinal);
        Assert.True(IsThere);
        Assert.Equal("built", await BuildAsync("force", "10.0.0.2:8080", damagedTimes: 0));
    }

    [Fact]
    public async Task Data_that_are_damaged_again_while_the_last_ones_lie_there_are_refused()
    {
        await BuildAsync("true", "10.0.0.2:8080,10.0.0.3:8080", damagedTimes: 1);
        File.WriteAllText(Path.Combine(_directory, GenesisFile.Name), "2");
        await Assert.ThrowsAsync<StorageDamagedException>(() => BuildAsync("true", "10.0.0.2:8080,10.0.0.3:8080", damagedTimes: 1));
        Assert.True(IsThere);
    }

    private bool IsThere => File.Exists(Path.Combine(_directory, GenesisFile.Name));

    private async Task<string?> BuildAsync(string rebuild, string view, int damagedTimes)
    {
        var options = NodeOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["SOCKET_ADDRESS"] = "10.0.0.2:8080",
            ["VIEW"] = view,
            ["KV_DATA_DIR"] = _directory,
            ["KV_REBUILD"] = rebuild,
        }).Build());
        return await Rebuilding.BuildAsync(options, TimeProvider.System, NullLogger.Instance, () =>
            damagedTimes-- > 0 ? throw new StorageDamagedException("A row is damaged.") : Task.FromResult<string?>("built"));
    }
}
