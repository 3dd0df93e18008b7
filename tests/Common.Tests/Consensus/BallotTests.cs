using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Tests.Consensus;

public sealed class BallotTests
{
    private static readonly Incarnation Self = new(7);

    private static readonly Gen<Ballot> Any = Gen.Select(
        Gen.OneOf(Gen.ULong[0, 3], Gen.ULong[(1UL << 32) - 2, (1UL << 32) + 2]),
        Generators.Incarnation,
        (round, proposer) => new Ballot(round, proposer));

    [Fact]
    public void Order_is_by_round_then_proposer() => Gen.Select(Any, Any).Sample((a, b) =>
    {
        Assert.Equal(Math.Sign((a.Round, a.Proposer).CompareTo((b.Round, b.Proposer))), Math.Sign(a.CompareTo(b)));
        Assert.Equal(a == b, a.CompareTo(b) == 0);
        Assert.Equal(a.CompareTo(b) < 0, a < b);
        Assert.Equal(a.CompareTo(b) > 0, a > b);
        Assert.Equal(a <= b, !(a > b));
        Assert.Equal(a >= b, !(a < b));
    });

    [Fact]
    public void No_ballot_is_below_every_ballot() => Any.Sample(ballot => Assert.True(Ballot.None < ballot && Ballot.None.IsNone && !ballot.IsNone));

    [Fact]
    public void The_next_ballot_is_above_what_was_heard_of_and_above_all_before() => Any.Array[1, 10].Sample(heard =>
    {
        var source = new BallotSource(3, Self);
        var last = Ballot.None;
        foreach (var other in heard)
        {
            var next = source.Next(other);
            Assert.True(next > other && next > last);
            Assert.Equal(Self, next.Proposer);
            last = next;
        }
    });

    // Also when a run hears of its predecessors' ballots or of others with any boot number.
    [Fact]
    public void No_two_runs_of_a_proposer_give_out_the_same_ballot() => Gen.Select(Gen.Int[0, 3], Any).Array[0, 8].Array[1, 5].Sample(runs =>
    {
        var given = new List<Ballot>();
        for (var boot = 0; boot < runs.Length; boot++)
        {
            var source = new BallotSource((uint)boot, Self);
            foreach (var (which, other) in runs[boot]) given.Add(source.Next(which < given.Count ? given[which] : other));
        }

        Assert.Equal(given.Count, given.Distinct().Count());
    });

    [Fact]
    public void A_used_up_counter_is_an_error_and_no_ballot_comes_again()
    {
        var source = new BallotSource(1, Self);
        Assert.Throws<InvalidOperationException>(() => source.Next(new(ulong.MaxValue, Self)));
        Assert.Throws<ArgumentException>(() => new BallotSource(1, default));
    }
}
