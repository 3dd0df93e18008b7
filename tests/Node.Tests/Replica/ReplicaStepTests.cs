using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;

namespace Kv.Node.Tests.Replica;

/// <summary>The replica of node 1, one step after the other, as the topology and the peers would have it. Nodes 1 and 3 serve shard 0, 2 and 4 shard 1.</summary>
public sealed class ReplicaStepTests
{
    private const long NowMs = 1_767_225_600_000;

    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 6).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly ReplicaGroup Zero = new(0, new(0));
    private static readonly ReplicaGroup One = new(0, new(1));
    private static readonly ReplicaGroup Next = new(1, new(0));
    private static readonly ClusterTopology Settled = Of([2], [Shard(0, Nodes[0], Nodes[2]), Shard(1, Nodes[1], Nodes[3])]);
    private static readonly CausalTokenCodec Tokens = new([], Settled.Cluster);

    private readonly InMemoryStorage _storage = new(new());
    private readonly HybridLogicalClock _clock = new(HybridTimestamp.Zero);
    private NodeIdentity _self = Identity(0);
    private ClusterTopology _topology = Settled;
    private CausalInbox _inbox = new();
    private ArcSummaries _counts;

    public ReplicaStepTests() => _counts = new(_storage);

    private ReplicaCheckpoint Held => _storage.Checkpoint;

    [Fact]
    public void A_founding_member_takes_its_place_at_once()
    {
        Do(_ => { });
        Assert.Equal(Zero, Held.Place);
        Assert.Null(Held.Fill);
        Assert.False(Held.IsComplete);
        Assert.Empty(Held.Vector);
    }

    [Fact]
    public void A_step_in_which_nothing_happens_is_empty()
    {
        Do(_ => { });
        Assert.True(Begin().IsEmpty);
    }

    [Fact]
    public void Writes_to_keys_that_are_not_the_nodes_are_refused()
    {
        Assert.IsType<CommitResult.NotOwner>(Write(KeyOf(1)));
        _self = Identity(4);
        Assert.IsType<CommitResult.NotOwner>(Write(KeyOf(0)));
    }

    [Fact]
    public void Own_writes_are_numbered_from_one_in_the_place_and_counted()
    {
        var first = Assert.IsType<CommitResult.Committed>(Write(KeyOf(0)));
        var second = Assert.IsType<CommitResult.Committed>(Write(KeyOf(0, 1)));
        Assert.Equal(new(new(_self.Incarnation, Zero), 1), first.Record.Dot);
        Assert.Equal(new(new(_self.Incarnation, Zero), 2), second.Record.Dot);
        Assert.Equal(VersionVector.Of(second.Record.Dot), Held.Vector);
        CheckCounts(2);
        Assert.True(Assert.IsType<CommitResult.Committed>(Write(KeyOf(0), delete: true)).Replaced);
        CheckCounts(1);
    }

    [Fact]
    public void A_node_that_joins_is_filled_and_then_has_its_place_with_all_it_was_given()
    {
        _self = Identity(4);
        _topology = Joining();
        Do(_ => { });
        Assert.Null(Held.Place);
        Assert.Equal(Zero, Held.Fill?.Target);
        Assert.IsType<CommitResult.NotOwner>(Write(KeyOf(0)));

        var origin = new Origin(new(103), Zero);
        var (scanned, sent, other) = (Record(KeyOf(0), origin, 3), Record(KeyOf(0, 1), origin, 6), Record(KeyOf(0, 2), origin, 2));
        Do(step => step.TakeCut(Zero, VersionVector.Of(new Dot(origin, 5), new Dot(new(new(9), One), 4))));
        Do(step =>
        {
            step.Transfer(scanned);
            step.Transfer(other);
            step.Deliver(Passage.Of(sent));
            // Nothing is told yet of what was scanned.
            step.CompleteFill();
        });
        Assert.Null(Held.Place);
        Assert.Equal(0, Held.LiveKeys);
        Do(step => step.FinishSource(Zero));
        Do(step => step.CompleteFill());

        Assert.Equal(Zero, Held.Place);
        Assert.Null(Held.Fill);
        Assert.True(Held.IsComplete);
        Assert.Equal(VersionVector.Of(sent.Dot), Held.Vector);
        // What came by broadcast is in the log.
        Assert.Equal(VersionVector.Of(new Dot(origin, 5)), Held.LoggedAfter);
        CheckCounts(3);
        // It is no member yet.
        Assert.IsType<CommitResult.NotOwner>(Write(KeyOf(0)));
    }

    [Fact]
    public void The_same_step_may_complete_a_fill_and_apply_what_comes_after_it()
    {
        _self = Identity(4);
        _topology = Joining();
        var origin = new Origin(new(103), Zero);
        Do(step =>
        {
            step.TakeCut(Zero, VersionVector.Empty);
            step.Deliver(Passage.Of(Record(KeyOf(0), origin, 1)));
            step.FinishSource(Zero);
            step.CompleteFill();
            step.Deliver(Passage.Of(Record(KeyOf(0, 1), origin, 2)));
        });
        Assert.Equal(Zero, Held.Place);
        Assert.Equal(VersionVector.Of(new Dot(origin, 2)), Held.Vector);
        Assert.Empty(Held.LoggedAfter);
        Assert.Equal(2, _storage.ReadLog(origin, 0, 2, 10, 1000)!.Records.Count);
        CheckCounts(2);
    }

    [Fact]
    public void A_passage_that_comes_before_the_cut_or_after_a_gap_is_not_taken_into_a_fill()
    {
        _self = Identity(4);
        _topology = Joining();
        var origin = new Origin(new(103), Zero);
        Do(step => step.Deliver(Passage.Of(Record(KeyOf(0), origin, 1))));
        Assert.Empty(Held.Fill!.Sources[0].Vector);
        Do(step => step.TakeCut(Zero, VersionVector.Of(new Dot(origin, 4))));
        Do(step => step.Deliver(new(new(origin, 7), 5, Record(KeyOf(0), origin, 7))));
        Do(step => step.Deliver(Passage.Of(Record(KeyOf(0), origin, 4))));
        Assert.Equal(VersionVector.Of(new Dot(origin, 4)), Held.Fill!.Sources[0].Vector);
        Assert.Empty(_storage.Scan(RingRange.Whole));
        // A gap is as good as a record, and one that begins in what is held as well.
        Do(step => step.Deliver(new(new(origin, 6), 2, null)));
        Do(step => step.Deliver(new(new(origin, 9), 5, Record(KeyOf(0), origin, 9))));
        Assert.Equal(VersionVector.Of(new Dot(origin, 9)), Held.Fill!.Sources[0].Vector);
        Assert.Single(_storage.Scan(RingRange.Whole));
    }

    [Fact]
    public void Only_the_first_cut_counts_until_the_source_is_whole_and_a_later_one_then()
    {
        _self = Identity(4);
        _topology = Joining();
        var (early, late) = (new Dot(new(new(103), Zero), 3), new Dot(new(new(103), Zero), 8));
        Do(step => step.FinishSource(Zero));
        Assert.False(Held.Fill!.Sources[0].IsWhole);
        Do(step => step.TakeCut(Zero, VersionVector.Of(early)));
        Do(step => step.TakeCut(Zero, VersionVector.Of(late)));
        Assert.Equal(VersionVector.Of(early), Held.Fill!.Sources[0].Vector);
        Do(step => step.FinishSource(Zero));
        Do(step => step.TakeCut(Zero, VersionVector.Of(late)));
        Assert.Equal(VersionVector.Of(late), Held.Fill!.Sources[0].Vector);
    }

    [Fact]
    public void At_a_commit_a_filled_node_switches_and_keeps_what_is_its_own()
    {
        // Shard 0 of two becomes the only shard: everything of the other one comes by transfer.
        FillForNext(shards: 1, out var mine, out var theirs);
        var before = Held;
        Commit(1);
        Assert.Equal(Next, Held.Place);
        Assert.True(Held.IsComplete);
        Assert.Null(Held.Fill);
        Assert.Equal(VersionVector.Of(mine.Dot, theirs.Dot), Held.Vector);
        Assert.Equal(VersionVector.Of(theirs.Dot), Held.LoggedAfter);
        Assert.Equal(new(Zero, VersionVector.Empty, before.Vector), Assert.Single(Held.Former));
        Assert.NotNull(_storage.Read(mine.Key));
        Assert.NotNull(_storage.Read(theirs.Key));
        CheckCounts(2);
        // Every key is its own now, and it numbers anew.
        Assert.Equal(new(new(_self.Incarnation, Next), 1), Assert.IsType<CommitResult.Committed>(Write(KeyOf(1, 5))).Record.Dot);
        CheckCounts(3);
    }

    [Fact]
    public void At_a_commit_that_gives_keys_away_they_are_forgotten_and_stay_in_the_log()
    {
        _topology = Settled;
        var keys = Enumerable.Range(0, 60).Select(i => KeyOf(0, i)).ToList();
        foreach (var key in keys) Write(key);
        _topology = Resharding(3);
        Do(step => step.CompleteFill());
        Assert.True(Held.Fill!.IsComplete);
        Assert.Empty(Held.Fill.Sources);
        Commit(3);
        var ring = HashRing.For(3);
        var kept = keys.Where(key => ring.OwnerOf(key.Position) == new ShardId(0)).ToList();
        Assert.InRange(kept.Count, 1, 59);
        Assert.Equal(kept.Order(), _storage.Scan(RingRange.Whole).Select(record => record.Key));
        CheckCounts(kept.Count);
        var own = new Origin(_self.Incarnation, Zero);
        Assert.Equal(60, _storage.ReadLog(own, 0, 60, 1000, int.MaxValue)!.Records.Count);
        Assert.Equal(VersionVector.Of(new Dot(own, 60)), Held.Vector);
        Assert.IsType<CommitResult.NotOwner>(Write(keys.Except(kept).First()));
        // What is sent late of the old group is applied if it is not held yet, and a repetition is nothing.
        var late = Record(kept[0], new(new(103), Zero), 1);
        Do(step => step.Deliver(Passage.Of(late)));
        Do(step => step.Deliver(Passage.Of(late)));
        Assert.Equal(1u, Held.Vector[late.Dot.Origin]);
    }

    [Fact]
    public void A_node_that_was_not_filled_at_the_commit_forgets_all_but_its_log_and_joins_anew()
    {
        var written = Assert.IsType<CommitResult.Committed>(Write(KeyOf(0))).Record;
        _topology = Resharding(1);
        Do(step => step.TakeCut(One, VersionVector.Empty));
        Do(step => step.Transfer(Record(KeyOf(1), new(new(102), One), 1)));
        Commit(1, joining: true);
        Assert.Null(Held.Place);
        Assert.Empty(Held.Vector);
        Assert.False(Held.IsComplete);
        Assert.Equal(new(Zero, VersionVector.Empty, VersionVector.Of(written.Dot)), Assert.Single(Held.Former));
        Assert.Equal([FillSource.Of(Next)], Held.Fill!.Sources);
        Assert.Equal(_topology.Epoch, Held.Fill.Since);
        Assert.Empty(_storage.Scan(RingRange.Whole));
        CheckCounts(0);
        Assert.Single(_storage.ReadLog(written.Dot.Origin, 0, 1, 10, 1000)!.Records);
    }

    [Fact]
    public void What_was_filled_for_a_cancelled_reshard_is_no_place_after_the_next_one()
    {
        // The node is cut off when the first one is cancelled, and comes back after the next one, whose ring is another one, was committed without it.
        FillForNext(shards: 1, out _, out _);
        _topology = Of([2, 3], [Shard(0, Nodes[2]) with { Joining = [Nodes[0]] }, Shard(1, Nodes[1]), Shard(2, Nodes[3])], epoch: new(9));
        Do(_ => { });
        Assert.Null(Held.Place);
        Assert.Equal([FillSource.Of(Next)], Held.Fill!.Sources);
        Assert.Empty(_storage.Scan(RingRange.Whole));
    }

    [Fact]
    public void A_cancel_drops_what_is_not_the_places_and_nothing_else()
    {
        FillForNext(shards: 1, out var mine, out var theirs);
        _topology = Of([2], Settled.Shards, epoch: _topology.Epoch.Next);
        Do(_ => { });
        Assert.Equal(Zero, Held.Place);
        Assert.Null(Held.Fill);
        Assert.Empty(Held.Former);
        Assert.Equal(VersionVector.Of(mine.Dot), Held.Vector);
        Assert.NotNull(_storage.Read(mine.Key));
        Assert.Null(_storage.Read(theirs.Key));
        CheckCounts(1);
        Assert.Equal(2u, Assert.IsType<CommitResult.Committed>(Write(KeyOf(0, 1))).Record.Dot.Sequence);
    }

    [Fact]
    public void A_reshard_after_a_cancelled_one_is_another_session()
    {
        _topology = Resharding(1);
        Do(step => step.TakeCut(One, VersionVector.Of(new Dot(new(new(102), One), 3))));
        var session = FillSession.Of(Held.Fill!);
        Assert.True(Begin().IsCurrent(session));
        // The cancel in between was not noticed.
        _topology = Resharding(1, after: _topology.Epoch.Next);
        Do(step => Assert.False(step.IsCurrent(session)));
        Assert.Equal([FillSource.Of(One)], Held.Fill!.Sources);
        Assert.NotEqual(session, FillSession.Of(Held.Fill));
        Assert.Equal(session.Target, FillSession.Of(Held.Fill).Target);
    }

    [Fact]
    public void What_a_fill_brought_is_replaced_in_the_step_that_drops_it()
    {
        var origin = new Origin(new(102), One);
        _topology = Resharding(1);
        Do(step => step.TakeCut(One, VersionVector.Of(new Dot(origin, 3))));
        Do(step => step.Transfer(Record(KeyOf(1), origin, 3, stamp: 50)));
        _topology = Resharding(1, after: _topology.Epoch.Next);
        // Older than what is stored still; that must not win.
        Do(step =>
        {
            step.TakeCut(One, VersionVector.Of(new Dot(origin, 2)));
            step.Transfer(Record(KeyOf(1), origin, 2, stamp: 40));
        });
        Assert.Equal(2u, _storage.Read(KeyOf(1))!.Dot.Sequence);
        CheckCounts(0);
        Assert.Equal(1, _storage.ReadArcs()!.Values.Sum(arc => arc.LiveKeys));
    }

    [Fact]
    public void A_former_place_is_remembered_until_it_is_forgotten()
    {
        FillForNext(shards: 1, out _, out _);
        Commit(1);
        Do(step => step.ForgetFormer(One));
        Assert.Single(Held.Former);
        Do(step => step.ForgetFormer(Zero));
        Assert.Empty(Held.Former);
        Assert.True(Begin().IsEmpty);
    }

    [Fact]
    public void A_replica_is_never_given_the_keys_of_another_shard_without_a_reshard()
    {
        Write(KeyOf(0));
        _topology = Of([2], [Shard(0, Nodes[2]), Shard(1, Nodes[0], Nodes[1], Nodes[3])], epoch: new(6));
        Assert.Throws<DataDirectoryRefusedException>(Begin);
    }

    [Fact]
    public void A_write_of_this_incarnation_that_is_not_here_shows_an_older_copy()
    {
        Write(KeyOf(0));
        Assert.Throws<StorageDamagedException>(() => Do(step => step.Deliver(Passage.Of(Record(KeyOf(0), new(_self.Incarnation, Zero), 2)))));
    }

    [Fact]
    public void A_peer_may_say_that_it_has_come_to_any_sequence()
    {
        Do(_ => { });
        Do(step => step.Deliver(new Passage(new(new(new(102), Zero), ulong.MaxValue - 1), 0, null)));
        Do(step => step.Deliver(new Passage(new(new(new(103), Zero), ulong.MaxValue - 1), 0, null)));
        Assert.Equal(long.MaxValue, new ReplicaSnapshot(Held, _topology.Epoch, HybridTimestamp.Zero).LogRecords);
    }

    // Node 1 has written, and holds what the other shard had.
    private void FillForNext(int shards, out WriteRecord mine, out WriteRecord theirs)
    {
        mine = Assert.IsType<CommitResult.Committed>(Write(KeyOf(0))).Record;
        var given = theirs = Record(KeyOf(1), new(new(102), One), 3);
        _topology = Resharding(shards);
        Do(step => step.TakeCut(One, VersionVector.Of(given.Dot)));
        Do(step => step.Transfer(given));
        Do(step => step.FinishSource(One));
        Do(step => step.CompleteFill());
        Assert.True(Held.Fill!.IsComplete);
        Assert.Equal(Zero, Held.Place);
        CheckCounts(1);
    }

    private void Commit(int shards, bool joining = false)
    {
        var to = _topology.Transition!.Shards.Select(shard => joining && shard.Includes(Nodes[0]) ? shard.Without(Nodes[0]) with { Joining = [Nodes[0]] } : shard);
        _topology = Of([2, shards], to, epoch: _topology.Epoch.Next);
        Do(_ => { });
    }

    private CommitResult Write(Key key, bool delete = false)
    {
        CommitResult? result = null;
        Do(step => result = step.Apply(new LocalWrite(key, "1"u8.ToArray(), delete, CausalToken.None)));
        return result!;
    }

    private ReplicaStep Begin() => new(_self, _topology, Held, _clock, _inbox, _counts, Tokens, _storage.Read, NowMs);

    [Fact]
    public void The_log_is_trimmed_by_the_topology_it_was_judged_by_and_the_checkpoint_says_so()
    {
        Prepare(out var origin);
        Do(step => Assert.False(step.TrimLog(VersionVector.Of(new Dot(origin, 2)), _topology.Epoch.Next)));
        // What is not held here is not in the log either.
        Do(step => Assert.True(step.TrimLog(VersionVector.Of(new Dot(origin, 2), new Dot(Other, 9)), _topology.Epoch)));
        Assert.Equal(VersionVector.Of(new Dot(origin, 2)), Held.LoggedAfter);
        Do(step => Assert.False(step.TrimLog(VersionVector.Of(new Dot(origin, 1)), _topology.Epoch)));
        _topology = Resharding(1, after: _topology.Epoch);
        Do(step => Assert.False(step.TrimLog(VersionVector.Of(new Dot(origin, 3)), _topology.Epoch)));
        Assert.Equal(VersionVector.Of(new Dot(origin, 2)), Held.LoggedAfter);
    }

    [Fact]
    public void A_deletion_is_forgotten_if_it_is_the_winner_still_and_by_the_topology_it_was_judged_by()
    {
        Prepare(out var origin);
        var key = KeyOf(0);
        Do(step => step.Apply(new(key, default, true, CausalToken.None)));
        var dot = _storage.Read(key)!.Dot;
        Do(step => Assert.Equal(0, step.Collect([(key, dot)], _topology.Epoch.Next)));
        Do(step => Assert.Equal(0, step.Collect([(key, dot with { Sequence = dot.Sequence + 1 }), (KeyOf(0, 1), new(origin, 2))], _topology.Epoch)));
        Assert.True(_storage.Read(key)!.IsTombstone);
        Do(step => Assert.Equal(1, step.Collect([(key, dot)], _topology.Epoch)));
        Assert.Null(_storage.Read(key));
        CheckCounts(2);
        // In the same step it may be written again.
        Do(step => step.Apply(new(key, "1"u8.ToArray(), false, CausalToken.None)));
        CheckCounts(3);
    }

    [Fact]
    public void What_a_cut_covers_may_be_dropped_and_nothing_else()
    {
        Prepare(out var origin);
        var (one, two) = (_storage.Read(KeyOf(0))!, _storage.Read(KeyOf(0, 1))!);
        Do(step => Assert.Equal(1, step.Drop(VersionVector.Of(new Dot(origin, 1)), [(one.Key, one.Dot), (two.Key, two.Dot)])));
        Assert.Null(_storage.Read(one.Key));
        Assert.NotNull(_storage.Read(two.Key));
        CheckCounts(2);
    }

    [Fact]
    public void What_a_donor_has_no_more_is_dropped_but_for_deletions_of_which_the_log_here_may_have_more()
    {
        Prepare(out var origin);
        Do(step => step.Apply(new(KeyOf(0), default, true, CausalToken.None)));
        var deletion = _storage.Read(KeyOf(0))!;
        Do(step => Assert.Equal(0, step.Drop(VersionVector.Of(new Dot(origin, 9)), [(deletion.Key, deletion.Dot)])));
        Assert.Equal(deletion.Dot, _storage.Read(KeyOf(0))!.Dot);
    }

    private static readonly Origin Other = new(new(999), new(0, new(0)));

    // Three keys of shard 0, written by node 0, whose replica it is.
    private void Prepare(out Origin origin)
    {
        Do(_ => { });
        origin = new(Identity(0).Incarnation, new(0, new(0)));
        for (var i = 0; i < 3; i++) Do(step => step.Apply(new(KeyOf(0, i), "1"u8.ToArray(), false, CausalToken.None)));
        Assert.Equal(VersionVector.Of(new Dot(origin, 3)), Held.Vector);
    }

    // As the writer does it, on a disk that never waits.
    private void Do(Action<ReplicaStep> work)
    {
        var step = Begin();
        work(step);
        if (!step.IsEmpty) Assert.True(_storage.CommitAsync(step.ToBatch()).AsTask().IsCompletedSuccessfully);
        // What was counted on the way is what is counted from the beginning.
        _counts = new(_storage);
        _inbox = new();
    }

    private void CheckCounts(long expected)
    {
        Assert.Equal(expected, Held.LiveKeys);
        var stored = _storage.Scan(RingRange.Whole).GroupBy(record => HashRing.ArcOf(record.Key.Position)).ToDictionary(arc => arc.Key, ArcSummary.Of);
        Assert.Equal(stored.OrderBy(arc => arc.Key), _storage.ReadArcs()!.OrderBy(arc => arc.Key));
    }

    private static Key KeyOf(int shard, int index = 0) =>
        Enumerable.Range(0, int.MaxValue).Select(i => new Key($"key{i}")).Where(key => Settled.Ring.OwnerOf(key.Position) == new ShardId(shard)).ElementAt(index);

    private static WriteRecord Record(Key key, Origin origin, ulong sequence, ulong stamp = 0)
    {
        var dot = new Dot(origin, sequence);
        var at = new HybridTimestamp(stamp == 0 ? sequence : stamp);
        return new(key, "1"u8.ToArray(), false, at, dot, Tokens.Seal(new(Epoch.First, at, VersionVector.Of(dot))));
    }

    private static ClusterTopology Joining() => Of([2], [Shard(0, Nodes[0], Nodes[2]) with { Joining = [Nodes[4]] }, Settled.Shards[1]], epoch: new(6));

    private static ClusterTopology Resharding(int shards, Epoch? after = null)
    {
        var begun = (after ?? Settled.Epoch).Next;
        var ring = HashRing.For(shards);
        var to = ring.Shards.Select(id => Shard(id.Value, [.. Nodes[..4].Where((_, turn) => turn % shards == id.Value)]));
        return Of([2], Settled.Shards, new(new(begun.Value), begun, 1, ring, to), begun);
    }

    private static ClusterTopology Of(ImmutableArray<int> layouts, IEnumerable<ShardMembers> shards, Transition? transition = null, Epoch? epoch = null) =>
        new(new(1), epoch ?? new(5), Nodes.Select((node, i) => new TopologyMember(node, Identity(i).Incarnation)), shards, layouts) { Transition = transition };

    private static ShardMembers Shard(int id, params ImmutableArray<NodeAddress> members) => new(new(id), members);

    private static NodeIdentity Identity(int node) => new(new(1), Nodes[node], new((ulong)node + 101));
}
