using Kv.Histories;
using Kv.Histories.Checkers;
using Kv.Simulation.Runs;

namespace Kv.Simulation.Tests.Checkers;

public sealed class HistoryCheckerTests
{
    private const int X = 0;
    private const int Y = 1;

    // One client writes and reads, another follows what it read, a third sees neither.
    private static HandMade Good()
    {
        var made = new HandMade();
        var first = made.Put(1, X);
        made.Read(1, X, first);
        var second = made.Put(1, Y);
        made.Read(2, Y, second);
        made.Read(2, X, first);
        var third = made.Put(2, X);
        made.Read(3, X);
        made.Read(3, X, first);
        made.Read(3, X, third);
        made.Delete(3, X);
        made.Read(3, X);
        return made;
    }

    [Fact]
    public void Every_checker_accepts_a_history_that_keeps_every_promise()
    {
        var history = Good().Done((X, 11), (Y, 3));
        Assert.All(AllCheckers.OfHistories, checker => HandMade.Accepts(checker, history));
    }

    [Fact]
    public void Every_checker_accepts_concurrent_writes_that_all_readers_see_in_one_order()
    {
        var made = new HandMade();
        var one = made.Put(1, X, rank: 10);
        var other = made.Put(2, X, rank: 20);
        made.Read(3, X, one);
        made.Read(3, X, other);
        made.Read(4, X, other);
        Assert.All(AllCheckers.OfHistories, checker => HandMade.Accepts(checker, made.Done((X, 20))));
    }

    [Fact]
    public void A_value_that_nobody_wrote_is_out_of_thin_air()
    {
        var made = new HandMade();
        made.Read(1, X, -2);
        HandMade.Refuses(new ThinAirChecker(), made.Done());
    }

    [Fact]
    public void The_value_of_another_key_is_out_of_thin_air()
    {
        var made = new HandMade();
        made.Read(2, Y, made.Put(1, X));
        HandMade.Refuses(new ThinAirChecker(), made.Done());
    }

    [Fact]
    public void The_value_of_a_refused_write_is_out_of_thin_air()
    {
        var made = new HandMade();
        made.Read(2, X, made.Put(1, X, status: OperationStatus.Refused));
        HandMade.Refuses(new ThinAirChecker(), made.Done(), "refused");
    }

    [Fact]
    public void The_value_of_an_unanswered_write_may_be_read()
    {
        var made = new HandMade();
        made.Read(2, X, made.Put(1, X, status: OperationStatus.Unknown));
        Assert.All(AllCheckers.OfHistories, checker => HandMade.Accepts(checker, made.Done((X, 1))));
    }

    [Fact]
    public void A_value_that_no_disk_ever_had_must_not_be_read()
    {
        var made = new HandMade();
        var put = made.Put(1, X, status: OperationStatus.Unknown);
        made.Read(2, X, put);
        made.History[put].Rank = null;
        HandMade.Refuses(new DurableReadChecker(), made.Done((Y, 1)));
    }

    [Fact]
    public void A_read_of_what_its_own_session_caused_is_a_cycle()
    {
        // Client 1 reads what client 2 wrote after it had read what client 1 wrote later.
        var made = new HandMade();
        made.Read(1, Y, 3);
        var put = made.Put(1, X);
        made.Read(2, X, put);
        made.Put(2, Y);
        HandMade.Refuses(new CausalConsistencyChecker(), made.Done(), "CyclicCO");
    }

    [Fact]
    public void To_find_nothing_where_the_own_past_has_a_write_is_refused()
    {
        var made = new HandMade();
        var put = made.Put(1, X);
        made.Put(1, Y);
        made.Read(2, Y, 1);
        made.Read(2, X);
        HandMade.Refuses(new CausalConsistencyChecker(), made.Done(), "WriteCOInitRead");
        HandMade.Refuses(new MonotonicWrites(), made.Done());
        HandMade.Refuses(new ConvergenceOrderChecker(), made.Done());
        Assert.Equal(0, put);
    }

    [Fact]
    public void To_find_nothing_is_right_when_a_concurrent_deletion_explains_it()
    {
        var made = new HandMade();
        made.Put(1, X, rank: 1);
        made.Delete(2, X, rank: 2);
        made.Read(1, X);
        Assert.All(AllCheckers.OfHistories, checker => HandMade.Accepts(checker, made.Done((X, 2))));
    }

    [Fact]
    public void A_deletion_that_was_overwritten_in_the_past_explains_nothing()
    {
        var made = new HandMade();
        made.Put(1, X);
        made.Delete(1, X);
        made.Put(1, X);
        made.Read(1, X);
        HandMade.Refuses(new CausalConsistencyChecker(), made.Done(), "WriteCOInitRead");
    }

    [Fact]
    public void A_value_overwritten_in_the_readers_past_is_refused()
    {
        var made = new HandMade();
        var old = made.Put(1, X);
        made.Put(1, X);
        var news = made.Put(1, Y);
        made.Read(2, Y, news);
        made.Read(2, X, old);
        HandMade.Refuses(new CausalConsistencyChecker(), made.Done(), "WriteCORead");
    }

    [Fact]
    public void Two_readers_that_resolve_a_conflict_both_ways_do_not_converge()
    {
        // Each of two clients writes x, sees the other's write of it, and then its own again: causally consistent, but no order of the two fits.
        var made = new HandMade();
        var one = made.Put(1, X);
        var other = made.Put(2, X);
        made.Read(1, X, other);
        made.Read(2, X, one);
        HandMade.Refuses(new CausalConsistencyChecker(), made.Done(), "CyclicCF");
    }

    [Fact]
    public void A_session_that_misses_its_own_write_is_refused()
    {
        var made = new HandMade();
        var old = made.Put(2, X);
        made.Put(1, X);
        made.Read(1, X, old);
        HandMade.Refuses(new ReadYourWrites(), made.Done());
        HandMade.Accepts(new MonotonicReads(), made.Done());
        HandMade.Accepts(new MonotonicWrites(), made.Done());
        HandMade.Accepts(new WritesFollowReads(), made.Done());
    }

    [Fact]
    public void A_session_that_goes_back_to_an_older_write_is_refused()
    {
        var made = new HandMade();
        var old = made.Put(2, X);
        var later = made.Put(3, X);
        made.Read(1, X, later);
        made.Read(1, X, old);
        HandMade.Refuses(new MonotonicReads(), made.Done());
        HandMade.Accepts(new ReadYourWrites(), made.Done());
    }

    [Fact]
    public void Writes_of_one_session_seen_out_of_order_are_refused()
    {
        var made = new HandMade();
        var old = made.Put(3, X);
        made.Put(1, X);
        var second = made.Put(1, Y);
        made.Read(2, Y, second);
        made.Read(2, X, old);
        HandMade.Refuses(new MonotonicWrites(), made.Done());
        HandMade.Accepts(new WritesFollowReads(), made.Done());
    }

    [Fact]
    public void A_write_seen_without_what_its_session_had_read_is_refused()
    {
        var made = new HandMade();
        var old = made.Put(3, X);
        var newer = made.Put(4, X);
        made.Read(1, X, newer);
        var reply = made.Put(1, Y);
        made.Read(2, Y, reply);
        made.Read(2, X, old);
        HandMade.Refuses(new WritesFollowReads(), made.Done());
        HandMade.Accepts(new MonotonicWrites(), made.Done());
    }

    [Fact]
    public void A_token_that_is_handed_over_takes_its_past_along()
    {
        var made = new HandMade();
        var old = made.Put(3, X);
        var mine = made.Put(1, X);
        made.Adopt(2, mine);
        made.Read(2, X, old);
        HandMade.Refuses(new ConvergenceOrderChecker(), made.Done());
        HandMade.Refuses(new ReadYourWrites(), made.Done());
    }

    [Fact]
    public void Clients_without_tokens_are_promised_no_order()
    {
        var made = new HandMade();
        var old = made.Put(3, X);
        var later = made.Put(4, X);
        made.Read(1, X, later);
        made.Adopt(1, Operation.None);
        made.Read(1, X, old);
        Assert.All(AllCheckers.OfHistories, checker => HandMade.Accepts(checker, made.Done((X, 2))));
    }

    [Fact]
    public void A_write_that_ranks_below_its_past_is_refused()
    {
        var made = new HandMade();
        made.Put(1, X, rank: 10);
        made.Put(1, X, rank: 9);
        HandMade.Refuses(new ConvergenceOrderChecker(), made.Done());
    }

    [Fact]
    public void An_acknowledged_write_that_is_gone_at_the_end_is_lost()
    {
        var made = new HandMade();
        made.Put(1, X, rank: 5);
        HandMade.Refuses(new LostWriteChecker(), made.Done((Y, 9)));
        HandMade.Refuses(new LostWriteChecker(), made.Done((X, 4)));
        HandMade.Accepts(new LostWriteChecker(), made.Done((X, 6)));
    }

    [Fact]
    public void An_acknowledged_write_that_no_disk_had_is_lost()
    {
        var made = new HandMade();
        var put = made.Put(1, X);
        made.History[put].Rank = null;
        HandMade.Refuses(new LostWriteChecker(), made.Done((X, 9)));
    }

    [Fact]
    public void An_unanswered_write_may_be_gone()
    {
        var made = new HandMade();
        made.Put(1, X, rank: 5, status: OperationStatus.Unknown);
        HandMade.Accepts(new LostWriteChecker(), made.Done((Y, 1)));
    }

    [Fact]
    public void A_token_beyond_its_bound_is_refused()
    {
        var made = new HandMade();
        var put = made.Put(1, X);
        made.History[put].TokenLength = TokenSizeChecker.MostCharacters;
        HandMade.Accepts(new TokenSizeChecker(), made.Done());
        made.History[put].TokenLength++;
        HandMade.Refuses(new TokenSizeChecker(), made.Done());
    }

    [Fact]
    public void A_token_of_more_origins_may_be_longer_in_proportion()
    {
        var made = new HandMade(origins: 9);
        var put = made.Put(1, X);
        made.History[put].TokenLength = 768;
        HandMade.Accepts(new TokenSizeChecker(), made.Done());
        made.History[put].TokenLength++;
        HandMade.Refuses(new TokenSizeChecker(), made.Done());
    }

    [Fact]
    public void A_long_history_of_a_store_with_one_copy_is_accepted()
    {
        var history = CheckSpeed.OneCopy(20_000);
        Assert.All(AllCheckers.OfHistories, checker => HandMade.Accepts(checker, history));
    }
}
