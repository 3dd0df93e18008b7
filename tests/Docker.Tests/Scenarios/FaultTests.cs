using Kv.Faults;
using Kv.Faults.Nemesis;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;
using Xunit;
using Shell = Kv.Docker.Tests.Scripts.Shell;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>The fault suite on containers of its own, from the image that the other tests use, for a minute or two.</summary>
public sealed class FaultTests(Cluster cluster, ITestOutputHelper output) : ClusterScenario(cluster)
{
    // Those that differ most from each other, but for the power cut of LostNodeTests; the command does all.
    private static readonly FaultKind[] Kinds = [FaultKind.TwoWipes, FaultKind.Partition, FaultKind.Loss];

    [Fact]
    public async Task Faults_and_changes_while_sessions_are_at_work_break_no_promise()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the addresses of containers are reached from a Linux machine only");

        // Two clusters at once would test the machine; the next test finds this one's nodes up again.
        await Shell.DockerAsync(["stop", .. Nodes.Select(node => node.Name)]);
        await using var testbed = await ContainerTestbed.PrepareAsync("kvs-image", hasSmallDisk: false, output.WriteLine);
        var options = new SuiteOptions { Faults = Kinds, MostRounds = Kinds.Count(kind => testbed.WhyNot(kind) is null), Hold = (TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(5)) };
        var report = await FaultSuite.RunAsync(testbed, options, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine(Markdown.Of(report));
        Assert.True(report.Violations == 0 && report.Failure is null, Markdown.Of(report));
        Assert.Equal(options.MostRounds, report.Rounds);
        Assert.True(report.Operations > 50 * report.Rounds && report.Kept > 5 * report.Rounds, $"{report.Operations} operations, {report.Kept} writes kept");
    }
}
