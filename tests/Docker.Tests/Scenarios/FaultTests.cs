using Kv.Faults;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;
using Xunit;
using Shell = Kv.Docker.Tests.Scripts.Shell;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>The fault suite on containers of its own, from the image that the other tests use: every usual kind of fault once.</summary>
public sealed class FaultTests(Cluster cluster, ITestOutputHelper output) : ClusterScenario(cluster)
{
    [Fact]
    public async Task Every_kind_of_fault_while_sessions_are_at_work_breaks_no_promise()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the addresses of containers are reached from a Linux machine only");

        // Two clusters at once would test the machine; the next test finds this one's nodes up again.
        await Shell.DockerAsync(["stop", .. Nodes.Select(node => node.Name)]);
        await using var testbed = await ContainerTestbed.PrepareAsync("kvs-image", hasSmallDisk: false, output.WriteLine);
        var options = new SuiteOptions { Hold = (TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(5)) };
        options = options with { MostRounds = options.Faults.Count(kind => testbed.WhyNot(kind) is null) };
        var report = await FaultSuite.RunAsync(testbed, options, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine(Markdown.Of(report));
        Assert.True(report.Violations == 0 && report.Failure is null, Markdown.Of(report));
        Assert.Equal(options.MostRounds, report.Rounds);
        Assert.True(report.Operations > 50 * report.Rounds && report.Kept > 5 * report.Rounds, $"{report.Operations} operations, {report.Kept} writes kept");
    }
}
