using System.Diagnostics;
using System.Globalization;
using Kv.Node.Storage.RocksDb;
using Xunit;

namespace Kv.StorageContract.Crash;

/// <summary>What came of a run. <paramref name="Acknowledged"/> and <paramref name="Unanswered"/> are batches; the latter were there although the writer was killed before it heard so.</summary>
internal sealed record KillFigures(int Kills, ulong Acknowledged, int Unanswered, int TornLogs);

/// <summary>
/// Kills a process that writes, again and again on the same store: after some acknowledged batches and a moment more, so that the signal comes anywhere in a write, a flush, a compaction or a
/// start. After each kill the store must open and hold every acknowledged batch, and no part of another.
/// </summary>
internal static class KillRounds
{
    public const string Command = "kills";

    // Then another store: each start works the plan out again from its beginning.
    private const int KillsPerStore = 50;
    private const int MostBatches = 120;
    private const int MostSpins = 200_000;

    public static async Task<KillFigures> RunAsync(int kills, int seed, CancellationToken cancellation)
    {
        var random = new Random(seed);
        var figures = new KillFigures(0, 0, 0, 0);
        for (var store = 0; figures.Kills < kills; store++)
        {
            using var temporary = new TemporaryDirectory();
            var (directory, plan) = (temporary.Under("store"), new BatchPlan(seed + store));
            for (var kill = 0; kill < KillsPerStore && figures.Kills < kills; kill++)
            {
                // In one round of eight it is killed while it starts, and may not have written anything.
                var acknowledged = await WriteAndKillAsync(directory, seed + store, random.Next(8) == 0 ? 0 : random.Next(1, MostBatches), random, cancellation);
                acknowledged = Math.Max(acknowledged, plan.Number);
                await using var engine = RocksDbStorage.Open(directory, RocksDbMedium.Small);
                var held = engine.Checkpoint.Clock.Packed;
                // The writer waits for each batch before it starts the next, so at most one was under way.
                Assert.True(held >= acknowledged && held <= acknowledged + 1, $"Seed {seed}, kill {figures.Kills}: {acknowledged} batches were acknowledged, and there are {held}.");
                figures = figures with
                {
                    Kills = figures.Kills + 1,
                    Acknowledged = figures.Acknowledged + held - plan.Number,
                    Unanswered = figures.Unanswered + (held > acknowledged ? 1 : 0),
                    TornLogs = figures.TornLogs + (engine.WasTorn ? 1 : 0),
                };
                plan.AdvanceTo(held);
                plan.AssertHeldBy(engine, Victim.KeptInLog);
            }
        }

        return figures;
    }

    /// <summary>The highest number that a writer said; its last line may be cut short, and then it names an earlier batch.</summary>
    public static async Task<ulong> LastLineAsync(StreamReader output, CancellationToken cancellation)
    {
        var last = 0ul;
        while (await output.ReadLineAsync(cancellation) is { } line)
        {
            if (ulong.TryParse(line, CultureInfo.InvariantCulture, out var number)) last = Math.Max(last, number);
        }

        return last;
    }

    private static async Task<ulong> WriteAndKillAsync(string directory, int seed, int after, Random random, CancellationToken cancellation)
    {
        using var writer = Victim.Start(Victim.WriteBatches, directory, $"{seed}");
        var last = "0";
        if (after == 0) await AfterAMomentAsync(writer, random.Next(250), cancellation);
        for (var line = 0; line < after; line++)
            last = await writer.StandardOutput.ReadLineAsync(cancellation) ?? throw new InvalidOperationException($"The writer ended by itself after {last}.");
        Thread.SpinWait(random.Next(MostSpins));
        writer.Kill();
        var acknowledged = Math.Max(ulong.Parse(last, CultureInfo.InvariantCulture), await LastLineAsync(writer.StandardOutput, cancellation));
        await writer.WaitForExitAsync(cancellation);
        return acknowledged;
    }

    // Somewhere in its start, which says nothing that could be waited for.
    private static async Task AfterAMomentAsync(Process writer, int milliseconds, CancellationToken cancellation)
    {
        await Task.Delay(milliseconds, cancellation);
        if (writer.HasExited) throw new InvalidOperationException($"The writer ended by itself with {writer.ExitCode}.");
    }
}
