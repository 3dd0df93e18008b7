using Kv.Faults;
using Kv.Faults.Nemesis;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;

namespace Kv.Cluster.Tests.Faults;

/// <summary>The fault suite over local processes, for a moment: that it runs, and finds nothing where nothing is wrong. What it finds is tested in HistoryJudgeTests.</summary>
[Collection(nameof(Alone))]
public sealed class FaultSuiteTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Faults_and_changes_while_sessions_are_at_work_break_no_promise()
    {
        var report = await RunAsync(new SuiteOptions
        {
            Seed = 3,
            MostRounds = 1,
            Faults = [FaultKind.Wipe],
            Hold = (TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(4)),
        });
        Assert.True(report.Violations == 0 && report.Failure is null, Markdown.Of(report));
        Assert.Equal(1, report.Rounds);
        Assert.True(report.Operations > 50 && report.Kept > 5, $"{report.Operations} operations, {report.Kept} writes kept");
        Assert.True(report.Availability.Of(Availability.All).Judged > 50);
    }

    private async Task<SuiteReport> RunAsync(SuiteOptions options)
    {
        await using var testbed = await ProcessTestbed.PrepareAsync(hasSmallDisk: false);
        return await FaultSuite.RunAsync(testbed, options, output.WriteLine, TestContext.Current.CancellationToken);
    }
}
