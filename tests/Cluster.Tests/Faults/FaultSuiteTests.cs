using Kv.Faults;
using Kv.Faults.Nemesis;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;

namespace Kv.Cluster.Tests.Faults;

/// <summary>The fault suite over local processes, for a moment: that it runs, finds nothing where nothing is wrong, and finds what is.</summary>
public sealed class FaultSuiteTests(ITestOutputHelper output)
{
    private const string LostWrites = "No acknowledged write is lost";

    [Fact]
    public async Task Faults_and_changes_while_sessions_are_at_work_break_no_promise()
    {
        var report = await RunAsync(new SuiteOptions
        {
            Seed = 3,
            MostRounds = 4,
            Faults = [FaultKind.Kill, FaultKind.Wipe, FaultKind.OneWay, FaultKind.PowerCut],
            Hold = (TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(6)),
        });
        Assert.True(report.Violations == 0 && report.Failure is null, Markdown.Of(report));
        Assert.Equal(4, report.Rounds);
        Assert.True(report.Operations > 200 && report.Kept > 20, $"{report.Operations} operations, {report.Kept} writes kept");
        Assert.True(report.Availability.Of(Availability.All).Judged > 100);
    }

    [Fact]
    public async Task Writes_that_one_replica_alone_acknowledged_and_lost_with_its_disk_are_reported_when_nothing_excuses_them()
    {
        var report = await RunAsync(new SuiteOptions
        {
            Seed = 5,
            MostRounds = 1,
            Faults = [FaultKind.IsolatedWipe],
            Hold = (TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(8)),
            Excuses = false,
        });
        Assert.Contains(LostWrites, report.BrokenRounds.SelectMany(round => round.Violations).Concat(report.AtTheEnd).Select(violation => violation.Promise));
    }

    private async Task<SuiteReport> RunAsync(SuiteOptions options)
    {
        await using var testbed = await ProcessTestbed.PrepareAsync(hasSmallDisk: false);
        return await FaultSuite.RunAsync(testbed, options, output.WriteLine, TestContext.Current.CancellationToken);
    }
}
