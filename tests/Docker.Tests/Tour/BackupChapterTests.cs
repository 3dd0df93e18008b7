using System.Text.RegularExpressions;
using Kv.Docker.Tests.Scripts;
using Kv.TestSupport;
using Xunit;

namespace Kv.Docker.Tests.Tour;

/// <summary>The commands of the operations manual's chapter on backups, as they stand there, but for the ports: on processes of this machine.</summary>
public sealed partial class BackupChapterTests
{
    [Fact]
    public async Task Every_command_of_the_chapter_prints_what_it_shows()
    {
        var step = Assert.Single(ReadmeTour.Read(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "operations.md"), TestContext.Current.CancellationToken), "## Backup and restore"));
        await using var cluster = await LocalCluster.StartAsync(nodes: 4, shards: 2);
        for (var i = 0; i < 30; i++) Assert.Equal(201, (await cluster[i % 4].Client.PutAsync($"key{KvClient.Number(i)}", "1")).Status);

        var directory = Directory.CreateTempSubdirectory("kv-chapter-");
        try
        {
            var commands = Node().Replace(step.Commands, node => cluster[int.Parse(node.Groups[1].Value, null) - 2].Address);
            var ran = (await Shell.RunAsync("bash", "-c", $"set -e\ncd '{directory.FullName}'\n{commands}")).Succeeded();
            var (shown, printed) = (JsonExpectation.Values(step.Shown!), JsonExpectation.Values(ran.Output));
            Assert.Equal(shown.Count, printed.Count);
            foreach (var (expected, actual) in shown.Zip(printed)) Assert.Null(JsonExpectation.Difference(expected, actual));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [GeneratedRegex(@"localhost:808([2-5])")]
    private static partial Regex Node();
}
