using System.Diagnostics;
using Xunit;

namespace Kv.Docker.Tests.Scripts;

/// <summary>The same scripts where there is no Docker: processes of this machine.</summary>
public sealed class LocalScriptTests : IAsyncLifetime
{
    private static string LocalDirectory => Path.Combine(Repository.Root, ".run", "local");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "local processes need Linux");
        await Machine.SkipIfSomebodysClusterIsHereAsync();
    }

    public async ValueTask DisposeAsync() => await Shell.CleanAsync();

    [Fact]
    public async Task Local_nodes_outlive_the_script_and_clean_ends_them_and_removes_their_data()
    {
        (await Shell.BuildAsync("--local", "--nodes", "2")).Succeeded();
        var written = await new Node(1).PutAsync("local", "value");
        Assert.True(written.Status == 201, written.ToString());
        var read = await new Node(2).ReadAsync("local", written.Token);
        Assert.True(read.Status == 200 && read.Text("value") == "value", read.ToString());

        (await Shell.CleanAsync()).Succeeded();
        Assert.Null(await new Node(1).TryGetAsync("/livez"));
        Assert.Null(await new Node(2).TryGetAsync("/livez"));
        Assert.False(Directory.Exists(LocalDirectory));
    }

    [Fact]
    public async Task Clean_spares_a_process_that_only_has_the_number_of_a_node_that_ended()
    {
        using var bystander = Process.Start("sleep", "600");
        try
        {
            var node = Directory.CreateDirectory(Path.Combine(LocalDirectory, "node1"));
            var boot = (await File.ReadAllTextAsync("/proc/sys/kernel/random/boot_id", TestContext.Current.CancellationToken)).Trim();
            await File.WriteAllTextAsync(Path.Combine(node.FullName, "pid"), $"{bystander.Id} 1 {boot}\n", TestContext.Current.CancellationToken);

            (await Shell.CleanAsync()).Succeeded();

            Assert.False(bystander.HasExited);
            Assert.False(node.Exists && Directory.Exists(node.FullName));
        }
        finally
        {
            bystander.Kill();
        }
    }
}
