using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Common.Tests.Replication;

public sealed class CausalInboxTests
{
    private static readonly Gen<(WriteRecord[] History, WriteRecord[] Arrivals)> Delivery = CausalHistory.Any
        .SelectMany(history => Gen.Select(Gen.Const(history), Gen.Shuffle((WriteRecord[])[.. history, .. history])));

    // Every passage at least once, many twice, in any order.
    private static readonly Gen<(WriteRecord[] History, HashSet<WriteRecord> Meant, Passage[] Arrivals)> Passages =
        Gen.Select(CausalHistory.Any, Gen.Int).SelectMany((history, seed) =>
        {
            var random = new Random(seed);
            var meant = history.Where(_ => random.Next(3) > 0).ToHashSet();
            var passages = Cut(history, meant, random);
            var repeated = passages.Where(_ => random.Next(2) > 0);
            return Gen.Shuffle((Passage[])[.. passages, .. repeated]).Select(arrivals => (history, meant, arrivals));
        });

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
        foreach (var record in arrivals.Take(arrivals.Length / 2)) replica.Inbox.Add(Passage.Of(record), replica.Applied);
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
        var inbox = new CausalInbox();
        if (!inbox.Add(Passage.Of(late), replica.Applied)) return;

        var missing = inbox.Missing(replica.Applied);
        Assert.Equal(CausalInbox.IsReady(Passage.Of(late), replica.Applied), missing.IsEmpty);
        foreach (var dot in missing)
        {
            var allButThis = replica.Applied.Join(VersionVector.Of(missing.Where(other => other != dot))).With(dot with { Sequence = dot.Sequence - 1 });
            Assert.False(CausalInbox.IsReady(Passage.Of(late), allButThis));
        }

        Assert.Same(late, inbox.TakeReady(replica.Applied.Join(missing))?.Record);
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

    [Fact]
    public void Whatever_way_an_origins_writes_are_cut_into_passages_exactly_those_meant_for_the_receiver_are_applied_once_in_causal_order() => Passages.Sample((history, meant, arrivals) =>
    {
        var replica = new Receiver();
        foreach (var passage in arrivals) replica.Receive(passage);
        Assert.Equal(history.Where(meant.Contains).Select(record => record.Dot).Order(), replica.Delivered.Select(record => record.Dot).Order());
        Assert.Equal(VersionVector.Of(history.Select(record => record.Dot)), replica.Applied);
        Assert.Equal(0, replica.Inbox.Count);
    });

    [Fact]
    public void What_comes_over_several_streams_that_cut_it_otherwise_is_applied_once() => Gen.Select(CausalHistory.Any, Gen.Int).Sample((history, seed) =>
    {
        var random = new Random(seed);
        var meant = history.Where(_ => random.Next(3) > 0).ToHashSet();
        var replica = new Receiver();
        // Each stream begins where the receiver is then, may break, and is in order for each origin; the last one is whole.
        var streams = Enumerable.Range(0, 4)
            .Select(stream => Cut(history, meant, random).GroupBy(passage => passage.Through.Origin).Select(origin => new Queue<Passage>(stream == 3 ? origin : origin.Take(random.Next(6)))))
            .SelectMany(stream => stream)
            .ToList();
        while (streams.RemoveAll(stream => stream.Count == 0) >= 0 && streams.Count > 0) replica.Receive(streams[random.Next(streams.Count)].Dequeue());
        Assert.Equal(history.Where(meant.Contains).Select(record => record.Dot).Order(), replica.Delivered.Select(record => record.Dot).Order());
        Assert.Equal(VersionVector.Of(history.Select(record => record.Dot)), replica.Applied);
        Assert.Equal(0, replica.Inbox.Count);
    });

    [Fact]
    public void A_record_that_waits_for_one_that_waits_for_the_gap_before_it_does_not_wait_for_ever()
    {
        var (anna, ben) = (new Origin(new(1), CausalHistory.Group), new Origin(new(2), CausalHistory.Group));
        var second = Record(new(ben, 1), new Dot(anna, 1));
        var third = Record(new(anna, 2), new Dot(ben, 1));
        var replica = new Receiver();
        // The first write of Anna is not meant for the receiver.
        replica.Receive(new Passage(third.Dot, 0, third));
        replica.Receive(second);
        Assert.Equal([second, third], replica.Delivered);

        static WriteRecord Record(Dot dot, Dot past) =>
            new(new Key($"{dot}"), default, false, new(dot.Sequence), dot, new CausalTokenCodec([], new(7)).Seal(new(Epoch.First, new(dot.Sequence), VersionVector.Of(dot, past))));
    }

    [Fact]
    public void A_gap_waits_for_what_lies_before_it_and_for_nothing_else()
    {
        var origin = new Origin(new(1), CausalHistory.Group);
        var gap = new Passage(new(origin, 9), 4, null);
        Assert.False(CausalInbox.IsReady(gap, VersionVector.Of(new Dot(origin, 3))));
        Assert.True(CausalInbox.IsReady(gap, VersionVector.Of(new Dot(origin, 4))));
        Assert.True(CausalInbox.IsReady(gap, VersionVector.Of(new Dot(origin, 7))));
        var inbox = new CausalInbox();
        Assert.True(inbox.Add(gap, VersionVector.Empty));
        Assert.Equal(VersionVector.Of(new Dot(origin, 4)), inbox.Missing(VersionVector.Empty));
        Assert.Null(inbox.TakeReady(VersionVector.Of(new Dot(origin, 9))));
        Assert.Equal(0, inbox.Count);
    }

    // As senders do: each origin's records in order, those that are not meant for the receiver left out; gaps end where the sender stopped reading, or at a record.
    private static List<Passage> Cut(WriteRecord[] history, HashSet<WriteRecord> meant, Random random)
    {
        var passages = new List<Passage>();
        foreach (var origin in history.GroupBy(record => record.Dot.Origin))
        {
            var after = 0ul;
            foreach (var record in origin)
            {
                if (meant.Contains(record)) passages.Add(new(record.Dot, after, record));
                else if (random.Next(2) > 0 || record.Dot.Sequence == (ulong)origin.Count()) passages.Add(new(record.Dot, after, null));
                else continue;
                after = record.Dot.Sequence;
            }
        }

        return passages;
    }

    /// <summary>Applies what its inbox releases, and checks the order by the tokens alone.</summary>
    private sealed class Receiver
    {
        public CausalInbox Inbox { get; } = new();

        public VersionVector Applied { get; private set; } = VersionVector.Empty;

        public List<WriteRecord> Delivered { get; } = [];

        public bool Receive(WriteRecord record) => Receive(Passage.Of(record));

        public bool Receive(Passage passage)
        {
            var taken = Inbox.Add(passage, Applied);
            while (Inbox.TakeReady(Applied) is { } ready)
            {
                Assert.InRange(Applied[ready.Through.Origin], ready.After, ready.Through.Sequence - 1);
                Applied = Applied.With(ready.Through);
                if (ready.Record is not { } record) continue;
                Assert.Equal(ready.Through, record.Dot);
                Assert.True(Applied.Covers(record.OpenedToken.Dependencies.OfGroups(group => group == CausalHistory.Group)));
                Delivered.Add(record);
            }

            return taken;
        }
    }
}
