using Kv.Common.Causality;
using Kv.Common.Replication;

namespace Kv.Common.Tests.Replication;

public sealed class CausalInboxTests
{
    private static readonly Gen<(WriteRecord[] History, WriteRecord[] Arrivals)> Delivery = CausalHistory.Any
        .SelectMany(history => Gen.Select(Gen.Const(history), Gen.Shuffle((WriteRecord[])[.. history, .. history])));

    [Fact]
    public void Every_record_is_delivered_once_and_in_causal_order_however_often_and_in_whatever_order_it_comes() => Delivery.Sample((history, arrivals) =>
    {
        var replica = new Receiver();
        foreach (var record in arrivals) replica.Receive(record);
        Assert.Equal(history.Select(record => record.Dot).Order(), replica.Delivered.Select(record => record.Dot).Order());
        Assert.Equal(0, replica.Inbox.Count);
        Assert.True(replica.Inbox.Missing(replica.Applied).IsEmpty);
    });

    [Fact]
    public void A_record_that_was_taken_in_or_applied_is_not_taken_again() => Delivery.Sample((_, arrivals) =>
    {
        var replica = new Receiver();
        var seen = new HashSet<Dot>();
        foreach (var record in arrivals) Assert.Equal(seen.Add(record.Dot), replica.Receive(record));
    });

    [Fact]
    public void Records_that_another_way_brought_meanwhile_are_dropped() => Delivery.Sample((history, arrivals) =>
    {
        var replica = new Receiver();
        foreach (var record in arrivals.Take(arrivals.Length / 2)) replica.Inbox.Add(record, replica.Applied);
        var everything = VersionVector.Of(history.Select(record => record.Dot));
        Assert.Null(replica.Inbox.TakeReady(everything));
        Assert.Equal(0, replica.Inbox.Count);
    });

    [Fact]
    public void What_a_waiting_record_misses_is_the_least_that_releases_it() => Delivery.Sample((_, arrivals) =>
    {
        var replica = new Receiver();
        foreach (var record in arrivals.Take(arrivals.Length / 2)) replica.Receive(record);
        var late = arrivals[^1];
        var inbox = new CausalInbox(CausalHistory.Shard);
        if (!inbox.Add(late, replica.Applied)) return;

        var missing = inbox.Missing(replica.Applied);
        Assert.Equal(inbox.IsReady(late, replica.Applied), missing.IsEmpty);
        foreach (var dot in missing)
        {
            var allButThis = replica.Applied.Join(VersionVector.Of(missing.Where(other => other != dot))).With(dot with { Sequence = dot.Sequence - 1 });
            Assert.False(inbox.IsReady(late, allButThis));
        }

        Assert.Same(late, inbox.TakeReady(replica.Applied.Join(missing)));
    });

    [Fact]
    public void Fetching_what_is_missing_releases_everything_that_waits() => Delivery.Sample((history, arrivals) =>
    {
        var replica = new Receiver();
        foreach (var record in arrivals.Take(arrivals.Length / 3)) replica.Receive(record);
        while (replica.Inbox.Count > 0)
        {
            var missing = replica.Inbox.Missing(replica.Applied);
            Assert.All(missing, dot => Assert.False(replica.Applied.Covers(dot)));
            Assert.Contains(history.Where(record => missing.Covers(record.Dot)).Select(replica.Receive).ToList(), taken => taken);
        }
    });

    /// <summary>Applies what its inbox releases, and checks the order by the tokens alone.</summary>
    private sealed class Receiver
    {
        public CausalInbox Inbox { get; } = new(CausalHistory.Shard);

        public VersionVector Applied { get; private set; } = VersionVector.Empty;

        public List<WriteRecord> Delivered { get; } = [];

        public bool Receive(WriteRecord record)
        {
            var taken = Inbox.Add(record, Applied);
            while (Inbox.TakeReady(Applied) is { } ready)
            {
                Assert.Equal(Applied[ready.Dot.Origin] + 1, ready.Dot.Sequence);
                Assert.True(Applied.With(ready.Dot).Covers(ready.OpenedToken.Dependencies.Of(CausalHistory.Shard)));
                Applied = Applied.With(ready.Dot);
                Delivered.Add(ready);
            }

            return taken;
        }
    }
}
