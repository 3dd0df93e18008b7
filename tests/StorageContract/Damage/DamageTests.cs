using Kv.Node.Storage.RocksDb;
using Xunit;

namespace Kv.StorageContract.Damage;

public sealed class DamageTests
{
    private const int Rounds = 60;

    [Fact]
    public async Task A_damaged_file_of_any_kind_is_refused_or_does_not_matter_and_never_makes_a_wrong_answer()
    {
        var figures = await DamageRounds.RunAsync(Rounds, seed: 20260301, TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(figures.Table());
        foreach (var kind in new[] { "*.log", "*.sst", "CURRENT", "IDENTITY", "LOCK", "MANIFEST", "OPTIONS", Watermark.FileName }) Assert.Contains(kind, figures.Kinds);
        // A run that found nothing, or refused everything, would have tested nothing. Whether a damaged table is found at the start or by a read is the store's affair: it depends on how far it had got.
        foreach (var outcome in (DamageOutcome[])[DamageOutcome.RefusedAtStart, DamageOutcome.ServedRight]) Assert.True(figures[outcome] > 0, $"Nothing was {outcome}:\n{figures.Table()}");
    }
}
