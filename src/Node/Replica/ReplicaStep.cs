using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.Node.Replica;

/// <summary>
/// One group commit in the making: applies local writes and delivered records on top of the last committed state, in memory, and yields the batch
/// that makes them durable. A calculation: what it reads besides its arguments is committed data.
/// </summary>
internal sealed class ReplicaStep
{
    private readonly NodeIdentity _self;
    private readonly ClusterTopology _topology;
    private readonly ReplicaCheckpoint _start;
    private readonly HybridLogicalClock _clock;
    private readonly CausalInbox _inbox;
    private readonly ArcSummaries _counts;
    private readonly CausalTokenCodec _tokens;
    private readonly Func<Key, WriteRecord?> _read;
    private readonly long _nowMs;
    private readonly List<WriteRecord> _log = [];
    private readonly Dictionary<Key, WriteRecord> _winners = [];
    private readonly HashSet<Key> _forgotten = [];
    private readonly Dictionary<ReplicaGroup, VersionVector> _reached = [];
    private readonly List<Dot> _collected = [];
    private readonly List<RingRange> _dropped;

    // What the checkpoint is to be, but for the three that change with every record.
    private ReplicaCheckpoint _next;
    private VersionVector _vector;
    private Origin _own;
    private ulong _ownSequence;
    private long _liveKeys;
    private HashRing _ring;
    private bool _isRecounted;

    /// <param name="topology">What the replica is to be: the step begins with following it.</param>
    /// <param name="inbox">Passages of the place that wait for something earlier; emptied by whoever changes the scope.</param>
    public ReplicaStep(
        NodeIdentity self,
        ClusterTopology topology,
        ReplicaCheckpoint start,
        HybridLogicalClock clock,
        CausalInbox inbox,
        ArcSummaries counts,
        CausalTokenCodec tokens,
        Func<Key, WriteRecord?> read,
        long nowMs)
    {
        (_self, _topology, _start, _clock, _inbox, _counts, _tokens, _read, _nowMs) = (self, topology, start, clock, inbox, counts, tokens, read, nowMs);
        (_next, _vector, _liveKeys, _ring) = (start, start.Vector, start.LiveKeys, topology.Ring);
        _dropped = Follow();
        _vector = _next.Vector;
        if (_next.Place is { } place)
        {
            _own = new(self.Incarnation, place);
            _ownSequence = _vector[_own];
            _ring = topology.RingOf(place.Layout);
        }

        counts.Follow(_next.Place is null ? null : _ring, _next.Place?.Shard ?? default);
        if (!ReferenceEquals(_next, start)) _liveKeys = counts.Held.LiveKeys;
    }

    /// <summary>The greatest delivered stamp that the clock refused to merge; zero if none.</summary>
    public HybridTimestamp UnmergedStamp { get; private set; }

    public bool IsEmpty => _log.Count == 0 && Count == 0 && !_isRecounted && _forgotten.Count == 0 && _reached.Count == 0 && ReferenceEquals(_next, _start) && ReferenceEquals(Vector, _start.Vector);

    /// <summary>How many records were taken in.</summary>
    public int Count { get; private set; }

    /// <summary>How many records were forgotten.</summary>
    public int Forgotten { get; private set; }

    /// <summary>How many bytes the values and tokens of those have.</summary>
    public long Bytes { get; private set; }

    /// <summary>Stamps, numbers and applies a local write.</summary>
    public CommitResult Apply(LocalWrite write)
    {
        // The request was routed by an earlier look at the topology; the owner's own look, in order with all other changes, is the one that counts.
        var shard = _topology.ShardOf(write.Key);
        if (!_topology.PlaceOf(_self).Serves(shard.Id) || _next.Place != _topology.GroupOf(shard.Id)) return new CommitResult.NotOwner(_topology.Epoch);
        var incumbent = Winner(write.Key);
        var replaced = incumbent is { IsTombstone: false };
        if (write.IsDeletion && !replaced) return new CommitResult.NothingToDelete(incumbent);

        var floor = HybridTimestamp.Max(write.Past.Stamp, incumbent?.Stamp ?? HybridTimestamp.Zero);
        // What the clock has reached already cannot push it, even if the wall clock was set back since.
        if (floor > _clock.Last && HybridLogicalClock.IsTooFarAhead(floor, _nowMs)) return new CommitResult.ClockSkew(floor.Milliseconds - _nowMs);

        var stamp = _clock.Next(_nowMs, floor);
        var dot = new Dot(_own, ++_ownSequence);
        // Whoever pruned the past may have known a newer topology already.
        var epoch = _topology.Epoch > write.Past.Epoch ? _topology.Epoch : write.Past.Epoch;
        var token = new CausalToken(epoch, stamp, write.Past.Dependencies.With(dot));
        var record = new WriteRecord(write.Key, write.Value, write.IsDeletion, stamp, dot, _tokens.Seal(token));
        Log(record);
        Merge(record, incumbent);
        return new CommitResult.Committed(record, replaced);
    }

    /// <summary>Takes in a passage from a peer and applies whatever has become ready. Repetition is harmless.</summary>
    public void Deliver(Passage passage)
    {
        var origin = passage.Through.Origin;
        if (_next.Fill is { } fill && !fill.IsAgain(_next.Place) && fill.Find(origin.Group) is { } source)
        {
            DeliverToFill(passage, source);
            return;
        }

        // Sent while this node had another place.
        if (_next.Place is not { } place || !_topology.Concerns(origin.Group, place)) return;
        var applied = Vector;
        if (applied.Covers(passage.Through)) return;
        if (origin == _own)
            throw new StorageDamagedException($"A peer sends this incarnation's own write {passage.Through}, which the data directory lacks: it is an older copy.");
        if (CausalInbox.IsReady(passage, applied)) ApplyDelivered(passage);
        else _inbox.Add(passage, applied);

        while (_inbox.TakeReady(Vector) is { } ready) ApplyDelivered(ready);
    }

    /// <summary>Whether <paramref name="session"/> is the fill under way; if not, what comes from it must not be taken in.</summary>
    public bool IsCurrent(FillSession session) => _next.Fill is { } fill && FillSession.Of(fill) == session;

    /// <summary>
    /// A donor's cut. The first one, before its scan: from here on the source's members send what they write. A later one, when the source was whole already: after
    /// its scan was taken in.
    /// </summary>
    public void TakeCut(ReplicaGroup group, VersionVector cut)
    {
        if (_next.Fill?.Find(group) is not { } source || !(source.IsWhole || source.Cut is null)) return;
        _next = _next with { Fill = _next.Fill.With(source with { Vector = Reached(source).Join(cut), Cut = source.Cut?.Join(cut) ?? cut }) };
        _reached.Remove(group);
    }

    /// <summary>Nobody can go on where the fill has come to: it begins anew, with other cuts.</summary>
    public void FillAnew()
    {
        _reached.Clear();
        _next = _next with { Fill = _next.Fill!.Anew };
    }

    /// <summary>Takes in a record that a donor scanned.</summary>
    public void Transfer(WriteRecord record)
    {
        TakeIn(record);
        MergeStamp(record);
        Merge(record, Winner(record.Key));
    }

    /// <summary>
    /// Forgets those of <paramref name="records"/> that are still the winners of their keys and that <paramref name="cut"/> covers; says how many. No deletions: the donor's log may have
    /// nothing of their keys any more, and this one's has, so they are forgotten by <see cref="Collect"/> alone.
    /// </summary>
    public int Drop(VersionVector cut, IReadOnlyList<(Key Key, Dot Dot)> records)
    {
        var dropped = 0;
        foreach (var (key, dot) in records)
        {
            if (!cut.Covers(dot) || Winner(key) is not { IsTombstone: false } winner || winner.Dot != dot) continue;
            Forget(winner);
            dropped++;
        }

        return dropped;
    }

    /// <summary>
    /// Takes in those of <paramref name="records"/> that this replica is to hold, by its vector, and does not: a member of <paramref name="place"/> has them. What the vector does not cover
    /// comes by broadcast, in causal order; a deletion of a key that is not here was forgotten here already. Gives those taken in.
    /// </summary>
    public IReadOnlyList<WriteRecord> Regain(ReplicaGroup place, IReadOnlyList<WriteRecord> records)
    {
        if (_next.Place != place || _next.Fill is not null || !_next.IsComplete) return [];
        var regained = new List<WriteRecord>();
        foreach (var record in records)
        {
            var incumbent = Winner(record.Key);
            if (!Vector.Covers(record.Dot) || !WinnerRule.Wins(record, incumbent) || (record.IsTombstone && incumbent is null)) continue;
            if (_ring.OwnerOf(record.Key.Position) != place.Shard) continue;
            TakeIn(record);
            Merge(record, incumbent);
            regained.Add(record);
        }

        return regained;
    }

    /// <summary>An arc comes to what a scan of the last commit gives; false when it did. Nothing is done, and true given, when this step changes the arc: look again.</summary>
    public bool Recount(int arc, ArcSummary scanned)
    {
        if (_dropped.Count > 0 || _winners.Keys.Concat(_forgotten).Any(key => HashRing.ArcOf(key.Position) == arc) || _counts[arc] == scanned) return true;
        var change = scanned - _counts[arc];
        _counts.Add(arc, change);
        _liveKeys = _counts.Held.LiveKeys;
        _isRecounted = true;
        return false;
    }

    /// <summary>
    /// Forgets those of <paramref name="tombstones"/> that are still the winners of their keys. None by another topology than that of epoch <paramref name="judgedBy"/>, and none
    /// while this replica is being filled: what comes by a scan may be older.
    /// </summary>
    public int Collect(IReadOnlyList<(Key Key, Dot Dot)> tombstones, Epoch judgedBy)
    {
        if (_topology.Epoch != judgedBy || _topology.Transition is not null || _next.Fill is not null || !_next.Former.IsEmpty) return 0;
        var collected = 0;
        foreach (var (key, dot) in tombstones)
        {
            if (Winner(key) is not { IsTombstone: true } winner || winner.Dot != dot || winner.Stamp > _clock.Last) continue;
            Forget(winner);
            _collected.Add(dot);
            collected++;
        }

        return collected;
    }

    /// <summary>Merges a donor's clock; false when it is too far ahead.</summary>
    public bool Meet(HybridTimestamp clock) => _clock.TryMerge(clock, _nowMs);

    /// <summary>True when what <paramref name="sender"/> broadcasts is to be taken in.</summary>
    public bool Admits(NodeIdentity sender) => _topology.IsMember(sender);

    /// <summary>What an arc comes to by now.</summary>
    public ArcSummary Summary(int arc) => _counts[arc];

    /// <summary>All of the source's scan was taken in.</summary>
    public void FinishSource(ReplicaGroup group)
    {
        if (_next.Fill?.Find(group) is { Cut: not null } source) _next = _next with { Fill = _next.Fill.With(source with { Vector = Reached(source), IsWhole = true }) };
    }

    /// <summary>The fill holds all it must. One of a joining node becomes its place at once; one of a reshard waits for the commit.</summary>
    public void CompleteFill()
    {
        FoldReached();
        if (_next.Fill is not { } fill || !fill.Sources.All(source => source.IsWhole)) return;
        _next = _next with { Fill = fill with { IsComplete = true } };
        if (fill.IsAgain(_next.Place)) Mend(fill);
        else if (fill.Target.Layout == _topology.Layout) Move(fill.Target);
    }

    /// <summary>What the others' logs do not reach back to is to be pulled once more, for the place that the replica has.</summary>
    public void BeginAgain(ReplicaGroup place)
    {
        if (_next.Place == place && _next.Fill is null) _next = _next with { Fill = PlaceRules.BeginAgain(_topology, place) };
    }

    /// <summary>The replica has held all that its group held.</summary>
    public void MarkComplete(ReplicaGroup place)
    {
        if (_next.Place != place || _next.IsComplete) return;
        _next = _next with { IsComplete = true };
        BeginFillIfAsked();
    }

    /// <summary>Nobody needs this replica's log of an ended group any more.</summary>
    public void ForgetFormer(ReplicaGroup group)
    {
        if (_next.Former.Any(former => former.Group == group)) _next = _next with { Former = [.. _next.Former.Where(former => former.Group != group)] };
    }

    /// <summary>
    /// The log need not have any longer what <paramref name="upTo"/> covers: every replica that it concerns by the topology of epoch <paramref name="judgedBy"/> holds it. False, and
    /// nothing is trimmed, by another topology, and while a reshard is under way: who is to own keys has a cut already, and gets from the logs what comes after it. Of
    /// ended groups that somebody may still need, all is kept.
    /// </summary>
    public bool TrimLog(VersionVector upTo, Epoch judgedBy)
    {
        if (_topology.Epoch != judgedBy || _topology.Transition is not null || _next.Place is not { } place || (_next.Fill is { } fill && !fill.IsAgain(place))) return false;
        var trimmed = upTo.Meet(Vector).OfGroups(group => _next.Former.All(former => former.Group != group)).Without(_next.LoggedAfter);
        if (trimmed.IsEmpty) return false;
        _next = _next with { LoggedAfter = _next.LoggedAfter.Join(trimmed) };
        Trimmed = trimmed;
        return true;
    }

    /// <summary>What is to go from the log when the step is durable; null when nothing is.</summary>
    public VersionVector? Trimmed { get; private set; }

    /// <summary>
    /// What <see cref="ReplicaState.ForgottenUpTo"/> is by the end of the step. Of what came by a fill it is not known which deletions the donor had forgotten.
    /// </summary>
    public VersionVector ForgottenUpTo(VersionVector before, ReplicaCheckpoint next) =>
        next.Place != _start.Place || (_start.Fill is not null && next.Fill is null) ? before.Join(next.Vector)
        : _collected.Count == 0 ? before
        : before.Join(VersionVector.Of(_collected));

    public StorageBatch ToBatch()
    {
        FoldReached();
        return new(_log, _winners, _next with { Vector = Vector, Clock = _clock.Last, LiveKeys = _liveKeys }) { Dropped = _dropped, Forgotten = _forgotten, Arcs = _counts.TakeChanges() };
    }

    // The own entry is folded in only when somebody looks: a vector per local write would be garbage.
    private VersionVector Vector => _ownSequence == 0 ? _vector : _vector = _vector.With(new(_own, _ownSequence));

    /// <summary>
    /// Does what the topology asks since the last step. 1. A group that a reshard has ended becomes a former one; the fill, if it was completed for the new
    /// one, takes its place. 2. A founding member takes its place. 3. A fill that is not wanted any more is given up, and one that is wanted begins. Gives the
    /// ranges that are to be forgotten.
    /// </summary>
    private List<RingRange> Follow()
    {
        var assigned = PlaceRules.AssignedTo(_topology, _self);
        if (_next.Place is { } unknown && !_topology.Knows(unknown.Layout))
        {
            throw new DataDirectoryRefusedException(
                $"The data directory holds group {unknown}, of a layout that the cluster, recovered by force, knows nothing of: remove the directory, and the node joins as a new one.");
        }

        if (_next.Place is { } ended && ended.Layout < _topology.Layout)
        {
            var former = new FormerPlace(ended, _next.LoggedAfter, _next.Vector);
            _next = _next with { Former = [.. _next.Former.Where(known => known.Group != ended), former] };
            // Whoever the commit did not name joins anew: it may have been away since it was filled.
            if (IsFilledFor(assigned)) Move(assigned!.Value);
            else _next = _next with { Place = null, Vector = VersionVector.Empty, LoggedAfter = VersionVector.Empty, IsComplete = false, Fill = null };
        }
        else if (_next.Place is null && IsFilledFor(assigned) && assigned!.Value.Layout == _topology.Layout)
        {
            Move(assigned.Value);
        }

        if (_next.Place is { } place && assigned is { } other && other != place)
        {
            throw new DataDirectoryRefusedException(
                $"The data directory holds shard {place.Shard}, and this node is to replicate shard {other.Shard}: remove the directory, and the node joins as a new one.");
        }

        if (_next.Place is null && _next.Fill is null && _topology.PlaceOf(_self).Role is ReplicaRole.Member) _next = _next with { Place = assigned };
        if (_next.Fill is { } fill && !PlaceRules.IsWanted(fill, _topology, _self, _next.Place, completesPlaceFirst: CompletesPlaceFirst)) _next = _next with { Fill = null };
        var dropped = ReferenceEquals(_next, _start) || (_start.Place is null && _start.Fill is null) ? [] : KeepOnly(_next.Place);
        BeginFillIfAsked();
        return dropped;
    }

    // One that joins with a place that never was complete completes it before it is filled for a reshard: of the place's ranges nobody gives it anything for that one, and what no
    // log has any more comes by a fill of the place (seed 128).
    private bool CompletesPlaceFirst => _next is { Place: not null, IsComplete: false } && _topology.PlaceOf(_self).Role is ReplicaRole.Joining;

    private void BeginFillIfAsked()
    {
        if (_next.Fill is null && !CompletesPlaceFirst && PlaceRules.FillTargetOf(_topology, _self, _next.Place) is { } target)
            _next = _next with { Fill = PlaceRules.Begin(_topology, target, _next.Place) };
    }

    private bool IsFilledFor(ReplicaGroup? assigned) =>
        _next.Fill is { IsComplete: true } fill && fill.Target == assigned && _topology.PlaceOf(_self).Role is ReplicaRole.Member;

    private void Move(ReplicaGroup target)
    {
        var fill = _next.Fill!;
        var sources = fill.Sources.Select(source => (source.Group, source.Vector)).ToList();
        var scans = fill.Sources.Select(source => (source.Group, source.Cut!)).ToList();
        if (_next.Place is { } own)
        {
            sources.Add((own, _next.Vector));
            scans.Add((own, _next.LoggedAfter));
        }

        var held = PlaceRules.Combine(_topology, target, sources);
        _next = _next with { Place = target, Vector = held, LoggedAfter = PlaceRules.LoggedAfter(_topology, target, held, scans), IsComplete = true, Fill = null };
        _vector = held;
        _own = new(_self.Incarnation, target);
        _ownSequence = held[_own];
        _ring = _topology.RingOf(target.Layout);
        _counts.Follow(_ring, target.Shard);
        _liveKeys = _counts.Held.LiveKeys;
    }

    // The place stays; it holds what it held and what the donor did. What came by the scan is not in the log.
    private void Mend(Fill fill)
    {
        var cut = fill.Sources[0].Cut!.OfGroups(group => _topology.Concerns(group, fill.Target));
        _next = _next with { LoggedAfter = _next.LoggedAfter.Join(cut.Without(Vector)), IsComplete = true, Fill = null };
        if (cut[_own] > _ownSequence)
            throw new StorageDamagedException($"A donor holds this incarnation's own write {cut[_own]}, and the data directory only {_ownSequence}: it is an older copy.");
        _vector = Vector.Join(cut);
        while (_inbox.TakeReady(Vector) is { } ready) ApplyDelivered(ready);
        BeginFillIfAsked();
    }

    private List<RingRange> KeepOnly(ReplicaGroup? place)
    {
        if (place is not { } kept)
        {
            _counts.KeepOnly(_ => false);
            return [RingRange.Whole];
        }

        var ring = _topology.RingOf(kept.Layout);
        _counts.KeepOnly(arc => ring.OwnerOfArc(arc) == kept.Shard);
        var dropped = new List<RingRange>();
        foreach (var range in ring.Shards.Where(shard => shard != kept.Shard).SelectMany(ring.RangesOf).OrderBy(range => range.First))
        {
            if (dropped.Count > 0 && dropped[^1].TryMerge(range, out var merged)) dropped[^1] = merged;
            else dropped.Add(range);
        }

        return dropped;
    }

    // In any order among origins: nobody reads it before the fill is complete. Of one origin nothing may be left out.
    private void DeliverToFill(Passage passage, FillSource source)
    {
        var vector = Reached(source);
        var reached = vector[passage.Through.Origin];
        if (source.Cut is null || reached >= passage.Through.Sequence || reached < passage.After) return;
        if (passage.Record is { } record)
        {
            MergeStamp(record);
            Log(record);
            Merge(record, Winner(record.Key));
        }

        _reached[source.Group] = vector.With(passage.Through);
    }

    // The broadcast moves it with every record, so it is folded into the fill only when somebody looks.
    private VersionVector Reached(FillSource source) => _reached.GetValueOrDefault(source.Group, source.Vector);

    private void FoldReached()
    {
        foreach (var (group, vector) in _reached)
        {
            if (_next.Fill?.Find(group) is { } source) _next = _next with { Fill = _next.Fill.With(source with { Vector = vector }) };
        }

        _reached.Clear();
    }

    private void ApplyDelivered(Passage passage)
    {
        _vector = _vector.With(passage.Through);
        if (passage.Record is not { } record) return;
        MergeStamp(record);
        Log(record);
        Merge(record, Winner(record.Key));
    }

    private void Log(WriteRecord record)
    {
        TakeIn(record);
        _log.Add(record);
    }

    private void TakeIn(WriteRecord record)
    {
        Count++;
        Bytes += record.Value.Length + record.Token.Length;
    }

    private void MergeStamp(WriteRecord record)
    {
        if (!_clock.TryMerge(record.Stamp, _nowMs)) UnmergedStamp = HybridTimestamp.Max(UnmergedStamp, record.Stamp);
    }

    private void Merge(WriteRecord record, WriteRecord? incumbent)
    {
        if (!WinnerRule.Wins(record, incumbent)) return;
        _winners[record.Key] = record;
        _forgotten.Remove(record.Key);
        var change = ArcSummary.Of(record) - (incumbent is null ? default : ArcSummary.Of(incumbent));
        var arc = HashRing.ArcOf(record.Key.Position);
        _counts.Add(arc, change);
        if (_next.Place is { } place && _ring.OwnerOfArc(arc) == place.Shard) _liveKeys += change.LiveKeys;
    }

    private void Forget(WriteRecord winner)
    {
        Forgotten++;
        _winners.Remove(winner.Key);
        _forgotten.Add(winner.Key);
        var change = default(ArcSummary) - ArcSummary.Of(winner);
        var arc = HashRing.ArcOf(winner.Key.Position);
        _counts.Add(arc, change);
        if (_next.Place is { } place && _ring.OwnerOfArc(arc) == place.Shard) _liveKeys += change.LiveKeys;
    }

    // What is dropped in this step is stored still.
    private WriteRecord? Winner(Key key) =>
        _winners.TryGetValue(key, out var pending) ? pending
        : _forgotten.Contains(key) ? null
        : _dropped.Count > 0 && (_next.Place is not { } kept || _ring.OwnerOf(key.Position) != kept.Shard) ? null
        : _read(key);
}
