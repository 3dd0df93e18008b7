using Kv.Node.Storage;
using Kv.Node.Storage.RocksDb;
using Kv.StorageContract.Crash;

namespace Kv.StorageContract.Damage;

/// <summary>
/// Damages one file of a store and opens it: it must be refused, at start or by the first read that meets the damage, or everything it answers must be what a model says. A value that is
/// wrong, or missing without a word, fails the run.
/// </summary>
internal static class DamageRounds
{
    public const string Command = "damage";

    private const int RoundsPerStore = 300;

    public static async Task<DamageFigures> RunAsync(int rounds, int seed, CancellationToken cancellation)
    {
        var figures = new DamageFigures();
        using var temporary = new TemporaryDirectory();
        for (var (round, number) = (0, 0); round < rounds; number++)
        {
            var random = new Random(seed + number);
            var (original, plan) = await WriteAsync(temporary.Under($"store{number}"), seed + number, random);
            var kinds = Directory.GetFiles(original).GroupBy(KindOf).OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind => (kind.Key, Files: kind.Order(StringComparer.Ordinal).ToArray())).ToList();
            for (var end = Math.Min(rounds, round + RoundsPerStore); round < end; round++)
            {
                cancellation.ThrowIfCancellationRequested();
                var copy = temporary.CopyOf(original, $"damaged{round}");
                var (kind, files) = kinds[round % kinds.Count];
                var file = Path.Combine(copy, Path.GetFileName(files[random.Next(files.Length)]));
                var how = DamagingFiles.Damage(file, (Damaging)random.Next(Enum.GetValues<Damaging>().Length), random);
                try
                {
                    figures.Add(kind, await LookAsync(copy, plan));
                }
                catch (Exception wrong)
                {
                    throw new InvalidOperationException($"Seed {seed}, round {round}: after damage to {Path.GetFileName(file)} ({how}) the store in {copy} was not refused in the way it should be: {wrong.Message}", wrong);
                }

                Directory.Delete(copy, recursive: true);
            }

            Directory.Delete(original, recursive: true);
        }

        return figures;
    }

    /// <summary>Opens it, and reads everything. Whatever was refused at start is refused again.</summary>
    private static async Task<DamageOutcome> LookAsync(string store, BatchPlan plan)
    {
        try
        {
            await using var engine = RocksDbStorage.Open(store, RocksDbMedium.Small);
            try
            {
                plan.AssertHeldBy(engine, ulong.MaxValue);
                return DamageOutcome.ServedRight;
            }
            catch (StorageDamagedException)
            {
                return DamageOutcome.RefusedOnRead;
            }
        }
        catch (StorageDamagedException first)
        {
            try
            {
                await using var again = RocksDbStorage.Open(store, RocksDbMedium.Small);
            }
            catch (StorageDamagedException)
            {
                return DamageOutcome.RefusedAtStart;
            }

            throw new InvalidOperationException($"It was refused once only: {first.Message}", first);
        }
    }

    // Written over some starts, so that there are sorted files of several levels, and a log that is not in them yet.
    private static async Task<(string Store, BatchPlan Plan)> WriteAsync(string store, int seed, Random random)
    {
        var plan = new BatchPlan(seed);
        for (var start = 0; start < 3; start++)
        {
            await using var engine = RocksDbStorage.Open(store, RocksDbMedium.Small);
            for (var left = random.Next(60, 200); left > 0; left--) await engine.CommitAsync(plan.Next());
            await engine.WriteMetaAsync("name", new byte[start]);
        }

        return (store, plan);
    }

    private static string KindOf(string file) => Path.GetExtension(file) is ".sst" or ".log" ? $"*{Path.GetExtension(file)}" : Path.GetFileName(file).Split('-', '.')[0];
}
