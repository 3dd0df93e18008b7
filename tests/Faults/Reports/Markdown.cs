using System.Globalization;
using System.Text;
using Kv.Faults.Judgement;
using Kv.Faults.Nemesis;

namespace Kv.Faults.Reports;

/// <summary>A run as a section of docs/reliability.md.</summary>
internal static class Markdown
{
    public static string Of(SuiteReport report)
    {
        var text = new StringBuilder();
        var all = report.Availability.Of(Availability.All);
        Line($"## {report.Took.TotalMinutes:F0} minutes on six {report.Testbed}, seed {report.Options.Seed}");
        Line($"");
        Line($"| | |");
        Line($"| --- | --- |");
        Line($"| rounds; operations of sessions, answered | {report.Rounds}; {report.Operations}, {report.Answered} |");
        Line($"| faults; changes by the operator | {Count(report, isChange: false)}; {Count(report, isChange: true)} |");
        Line($"| **violations** | **{report.Violations}** |");
        Line($"| writes kept over the rounds; reads of them | {report.Kept}; {report.KeptReads} |");
        Line($"| acknowledged by one replica alone and excused, because a disk was lost | {report.Excused + report.KeptExcused} |");
        Line($"| probes judged; served within 1 s | {all.Judged}; {Percent(all)} |");
        Line($"| longest stall outside the detection windows; in them | {Seconds(all.LongestStall)}; {Seconds(all.LongestStallInWindow)} |");
        Line($"| views of nodes to whom nothing was done; false accusations in them | {report.Views.Looks}; {report.Views.Accusations} |");
        Line($"| longest time the suite itself waited for the processor | {Seconds(report.LongestOwnPause)} |");
        Line($"");
        Line($"| | episodes | probes judged | served within 1 s | longest stall | in the detection window: probes, served, longest stall | out of all views: median, longest | replicas equal: median, longest |");
        Line($"| --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var name in FaultNames.All.Concat([ChangeNames.Of(ChangeKind.Reshard), ChangeNames.Of(ChangeKind.Replace)]).Where(report.ByKind.ContainsKey)) Row(name, report.ByKind[name]);
        Row(Availability.Quiet, null);
        if (report.Skipped.Count > 0)
        {
            Line($"");
            Line($"Left out: {string.Join("; ", report.Skipped.Select(skipped => $"{FaultNames.Of(skipped.Kind)} ({skipped.Reason})"))}.");
        }

        if (report.Failure is not null) Line($"\nThe run ended early: {report.Failure}");
        Examples();
        Evidence();
        return text.ToString();

        void Row(string name, KindFigures? figures)
        {
            var served = report.Availability.Of(name);
            var window = served.InWindow == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{served.InWindow}, {100.0 * served.ServedInWindow / served.InWindow:F1} %, {Seconds(served.LongestStallInWindow)}");
            Line($"| {name} | {(figures is null ? "" : figures.Episodes)} | {served.Judged} | {(served.Judged == 0 ? "–" : Percent(served))} | {Seconds(served.LongestStall)} | {window} | {Detected(figures)} | {(figures is null ? "–" : Times(figures.EqualAfter))} |");
        }

        void Examples()
        {
            foreach (var accusation in report.Views.Examples) Line($"\nFalse accusation: {accusation}");
            foreach (var (kind, examples) in report.Availability.Examples)
            {
                Line($"");
                Line($"Not served within 1 s during {kind}, the first of them:");
                Line($"");
                foreach (var example in examples) Line($"- {example}");
            }
        }

        void Evidence()
        {
            foreach (var round in report.BrokenRounds)
            {
                Line($"");
                Line($"### Broken in {round.Plan}");
                Line($"");
                foreach (var episode in round.Episodes) Line($"- {TimeSpan.FromTicks(episode.BeganAt):hh\\:mm\\:ss\\.f}–{TimeSpan.FromTicks(episode.HealedAt):hh\\:mm\\:ss\\.f} {episode}");
                foreach (var violation in round.Violations)
                {
                    Line($"");
                    Line($"**{violation.Promise}**: {violation.What}");
                    if (round.History is not { } history || HistoryJudge.Evidence(history, violation) is not { Length: > 0 } operations) continue;
                    Line($"");
                    Line($"```");
                    text.Append(operations).Append('\n');
                    Line($"```");
                }
            }

            foreach (var violation in report.AtTheEnd) Line($"\n**{violation.Promise}**, at the end: {violation.What}");
            foreach (var (node, tail) in report.Logs) Line($"\n{node} wrote last:\n\n```\n{tail}\n```");
        }

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static int Count(SuiteReport report, bool isChange) =>
        report.ByKind.Where(each => FaultNames.All.Contains(each.Key) != isChange).Sum(each => each.Value.Episodes);

    private static string Detected(KindFigures? figures)
    {
        if (figures is null || figures.Detections.Count == 0) return "–";
        var never = figures.Detections.Count(detection => detection is null);
        return $"{Times([.. figures.Detections.OfType<TimeSpan>()])}{(never == 0 ? "" : $", {never} not seen")}";
    }

    private static string Times(List<TimeSpan> times)
    {
        if (times.Count == 0) return "–";
        List<TimeSpan> sorted = [.. times.Order()];
        return $"{Seconds(sorted[sorted.Count / 2])}, {Seconds(sorted[^1])}";
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F2} s");

    // Rounded down: 100 % is said of all, and of nothing less.
    private static string Percent(ServedRequests served) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(served.Share * 100_000) / 1000:F3} %");
}
