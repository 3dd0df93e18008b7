using System.Formats.Tar;
using Xunit;

namespace Kv.Docker.Tests.Scripts;

/// <summary>What build.sh and clean.sh do to the things of others on the same Docker engine: nothing.</summary>
public sealed class DockerScriptTests : IAsyncLifetime
{
    private const string Image = "kvs-tests-foreign";

    public async ValueTask InitializeAsync()
    {
        await Machine.SkipUnlessDockerAnswersAsync();
        await Shell.CleanAsync(); // what a test run that was cut short has left
        await RemoveForeignThingsAsync();

        var archive = Path.Combine(Path.GetTempPath(), $"{Image}.tar");
        await using (var writer = new TarWriter(File.Create(archive)))
        {
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, "empty"), TestContext.Current.CancellationToken);
        }

        await Shell.DockerAsync("import", archive, Image);
        File.Delete(archive);
    }

    public async ValueTask DisposeAsync()
    {
        await Shell.CleanAsync();
        await RemoveForeignThingsAsync();
    }

    [Theory]
    [InlineData("container", "node2")]
    [InlineData("network", "mynet")]
    [InlineData("volume", "kvs-node2-data")]
    [InlineData("image", "kvs-image")]
    public async Task Build_refuses_where_a_name_it_needs_belongs_to_something_else_and_leaves_that_alone(string kind, string name)
    {
        await MakeForeignAsync(kind, name);
        var before = await IdentityAsync(kind, name);

        var result = await Shell.BuildAsync("--docker", "--nodes", "2");

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(name, result.Errors, StringComparison.Ordinal);
        Assert.Equal(before, await IdentityAsync(kind, name));
        Assert.Empty(await OursAsync());

        (await Shell.CleanAsync()).Succeeded();
        Assert.Equal(before, await IdentityAsync(kind, name));
    }

    [Fact]
    public async Task Build_again_replaces_its_own_cluster_and_clean_removes_all_of_it_and_nothing_else()
    {
        (string Kind, string Name)[] foreign =
            [("container", "kvs-tests-bystander"), ("network", "kvs-tests-network"), ("volume", "kvs-tests-volume"), ("image", Image)];
        foreach (var (kind, name) in foreign.SkipLast(1))
        {
            await MakeForeignAsync(kind, name);
        }

        (await Shell.BuildAsync("--docker", "--nodes", "3", "--shards", "1")).Succeeded();
        var firstNode = await IdentityAsync("container", "node1");
        Assert.Equal(201, (await new Node(1).PutAsync("of-the-first-cluster", "x")).Status);

        (await Shell.BuildAsync("--docker", "--nodes", "2", "--shards", "1")).Succeeded();
        Assert.NotEqual(firstNode, await IdentityAsync("container", "node1"));
        Assert.Equal(
            ["container node1", "container node2", "network mynet", "volume kvs-node1-data", "volume kvs-node2-data"],
            await OursAsync());
        Assert.Equal(404, (await new Node(1).ReadAsync("of-the-first-cluster")).Status);
        Assert.Empty(await Shell.DockerAsync("image", "ls", "--quiet", "--filter", "dangling=true", "--filter", "label=kvs.image=causal-kvs"));

        (await Shell.CleanAsync()).Succeeded();
        Assert.Empty(await OursAsync());
        Assert.Empty(await Shell.DockerAsync("image", "ls", "--quiet", "--filter", "label=kvs.image=causal-kvs"));
        foreach (var (kind, name) in foreign)
        {
            Assert.NotEmpty(await IdentityAsync(kind, name));
        }

        (await Shell.CleanAsync()).Succeeded();
    }

    private static async Task MakeForeignAsync(string kind, string name) => await Shell.DockerAsync(kind switch
    {
        "container" => ["create", "--name", name, Image, "nothing"],
        "network" => ["network", "create", "--subnet", "10.251.0.0/24", name],
        "volume" => ["volume", "create", name],
        "image" => ["tag", Image, name],
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    });

    private static async Task RemoveForeignThingsAsync()
    {
        foreach (var name in (string[])["node2", "kvs-tests-bystander"])
        {
            await Shell.RunAsync("docker", "container", "rm", name);
        }

        foreach (var name in (string[])["mynet", "kvs-tests-network"])
        {
            await Shell.RunAsync("docker", "network", "rm", name);
        }

        foreach (var name in (string[])["kvs-node2-data", "kvs-tests-volume"])
        {
            await Shell.RunAsync("docker", "volume", "rm", name);
        }

        foreach (var name in (string[])["kvs-image", Image])
        {
            await Shell.RunAsync("docker", "image", "rm", name);
        }
    }

    private static Task<string> IdentityAsync(string kind, string name) =>
        Shell.InspectAsync(name, kind == "volume" ? "{{.Name}} {{.CreatedAt}}" : "{{.Id}}");

    /// <summary>Everything on the engine with the label that build.sh gives, as "kind name", sorted.</summary>
    private static async Task<IReadOnlyList<string>> OursAsync()
    {
        const string Filter = "label=kvs.project=causal-kvs";
        var containers = await Shell.DockerAsync("container", "ls", "--all", "--filter", Filter, "--format", "container {{.Names}}");
        var networks = await Shell.DockerAsync("network", "ls", "--filter", Filter, "--format", "network {{.Name}}");
        var volumes = await Shell.DockerAsync("volume", "ls", "--filter", Filter, "--format", "volume {{.Name}}");
        return [.. containers.Concat(networks).Concat(volumes).Order(StringComparer.Ordinal)];
    }
}
