using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Common.Tests.Replication;

public sealed class WinnerRuleTests
{
    // An origin never gives a stamp twice: stamp and origin together name the write.
    private static readonly Gen<WriteRecord> Record = Gen.Select(Gen.ULong[1, 3], Generators.Origin, (stamp, origin) =>
        new WriteRecord(new Key("k"), default, isTombstone: stamp == 2, new(stamp), new(origin, stamp), default));

    [Fact]
    public void Of_two_different_writes_exactly_one_wins() => Gen.Select(Record, Record).Sample((a, b) =>
    {
        if (a.Dot == b.Dot) Assert.False(WinnerRule.Wins(a, b) || WinnerRule.Wins(b, a));
        else Assert.NotEqual(WinnerRule.Wins(a, b), WinnerRule.Wins(b, a));
    });

    [Fact]
    public void Winning_is_transitive() => Gen.Select(Record, Record, Record).Sample((a, b, c) =>
    {
        if (WinnerRule.Wins(a, b) && WinnerRule.Wins(b, c)) Assert.True(WinnerRule.Wins(a, c));
    });

    [Fact]
    public void Any_write_wins_over_none() => Record.Sample(a => Assert.True(WinnerRule.Wins(a, null)));

    [Fact]
    public void The_later_stamp_wins() => Gen.Select(Record, Record).Where(pair => pair.Item1.Stamp > pair.Item2.Stamp)
        .Sample((a, b) => Assert.True(WinnerRule.Wins(a, b)));

    [Fact]
    public void Merging_in_any_order_and_any_number_of_times_converges() => Record.Array[1, 8]
        .SelectMany(writes => Gen.Select(Gen.Const(writes), Gen.Shuffle((WriteRecord[])[.. writes, .. writes])))
        .Sample((writes, shuffled) => Assert.Equal(Merged(writes)?.Dot, Merged(shuffled)?.Dot));

    private static WriteRecord? Merged(IEnumerable<WriteRecord> writes) =>
        writes.Aggregate((WriteRecord?)null, (winner, next) => WinnerRule.Wins(next, winner) ? next : winner);
}
