using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Topology;

namespace Kv.Simulation.Nodes;

/// <summary>
/// Looks over the shoulder of one replica's writer: what it asks to be stored must be in causal order, what it claims to hold must be there, what it was told
/// is durable must be there after a restart, and every record must be the one write that its dot names. What its register
/// of topologies persists is told to those who compare all of them.
/// </summary>
internal sealed class AuditedStorage : IStorageEngine
{
    private const string RegisterKey = "topology-register";

    private readonly IStorageEngine _inner;
    private readonly NodeIdentity _self;
    private readonly SimNode _node;
    private readonly SimDisk _disk;
    private readonly Ledger _ledger;
    private readonly Violations _violations;
    private readonly AcceptorStore _register;
    private readonly Dictionary<ReplicaGroup, ulong> _known = [];
    private VersionVector _trimmed;

    public AuditedStorage(IStorageEngine inner, NodeIdentity self, SimNode node)
    {
        (_inner, _self, _node, _disk, _ledger, _violations) = (inner, self, node, node.Disk, node.Cluster.Ledger, node.Cluster.Violations);
        _register = new(self, inner);
        var (told, found) = (_disk.Durable, inner.Checkpoint);
        if (told.Place is { } place && !Holds(found, place, told.Vector)) _violations.Add("Durable is durable", $"{self.Address} was told that {told.Vector} of {place} is durable, and finds {found}");
        _disk.Durable = found;
        _trimmed = found.LoggedAfter;
        LearnOwnWrites(found);
        LearnRegister();
    }

    public ReplicaCheckpoint Checkpoint => _inner.Checkpoint;

    public StorageRoom Room => _inner.Room;

    public long LogBytes => _inner.LogBytes;

    public Published<StorageHealth> Health => _inner.Health;

    public WriteRecord? Read(Key key)
    {
        var record = _inner.Read(key);
        if (record is not null && record.Dot.Origin.Incarnation == _self.Incarnation) LearnOwnWrites(record.Dot.Origin.Group, record.Dot.Sequence);
        return record;
    }

    public async ValueTask CommitAsync(StorageBatch batch)
    {
        var before = _inner.Checkpoint;
        Inspect(before, batch);
        await _inner.CommitAsync(batch);
        _disk.Durable = batch.Checkpoint;
        if (before.Place != batch.Checkpoint.Place) Moved(before, batch.Checkpoint);
        LearnOwnWrites(batch.Checkpoint);
        if (_node.Cluster.ReplicaPersisted is { } persisted) await persisted(_node, before, batch.Checkpoint);
    }

    public LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes)
    {
        // What is synced can be read, and sent, before the writer is told.
        if (origin.Incarnation == _self.Incarnation) LearnOwnWrites(origin.Group, through);
        return _inner.ReadLog(origin, after, through, maxRecords, maxBytes);
    }

    public IReadOnlyDictionary<int, ArcSummary>? ReadArcs() => _inner.ReadArcs();

    public ValueTask TrimLogAsync(VersionVector upTo)
    {
        InspectTrim(upTo);
        _node.Cluster.Count("LogTrimmed");
        return _inner.TrimLogAsync(upTo);
    }

    public IEnumerable<WriteRecord> Scan(RingRange range)
    {
        LearnOwnWrites(_inner.Checkpoint);
        return _inner.Scan(range);
    }

    public IEnumerable<WriteRecord> ScanAfter(Key key)
    {
        LearnOwnWrites(_inner.Checkpoint);
        return _inner.ScanAfter(key);
    }

    public IStorageSnapshot TakeSnapshot() => _inner.TakeSnapshot();

    public byte[]? ReadMeta(string name) => _inner.ReadMeta(name);

    public async ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value)
    {
        await _inner.WriteMetaAsync(name, value);
        if (name != RegisterKey) return;
        if (LearnRegister() is { } state && _node.Cluster.RegisterPersisted is { } persisted) await persisted(_node, state);
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    // In its place, or, after a switch of which it was not told any more, in what it keeps of a group that ended.
    private static bool Holds(ReplicaCheckpoint found, ReplicaGroup place, VersionVector vector) =>
        (found.Place == place && found.Vector.Covers(vector)) || found.Former.Any(former => former.Group == place && former.Vector.Covers(vector));

    private RegisterState? LearnRegister()
    {
        if (_register.Load() is not { } state) return null;
        _node.Cluster.History.Persisted(_self, state);
        return state;
    }

    // A record goes only if it, or what won over it, is a deletion that was forgotten.
    private void InspectForgotten(ReplicaCheckpoint before, StorageBatch batch)
    {
        // What a fill drops was forgotten by its donor; all else is forgotten here.
        if (before.Fill is null)
        {
            foreach (var tombstone in batch.Forgotten.Select(_inner.Read).OfType<WriteRecord>().Where(record => record.IsTombstone)) InspectCollected(tombstone, batch.Checkpoint);
        }

        foreach (var record in batch.Forgotten.Select(_inner.Read).OfType<WriteRecord>())
        {
            _node.Cluster.Count(record.IsTombstone ? "TombstoneForgotten" : "ValueDropped");
            if (!_ledger.IsOutdoneByCollected(record)) _violations.Add("Nothing is forgotten but the deleted", $"{_self.Address} forgets {record.Dot} of {record.Key}, which nobody deleted");
        }
    }

    // Every member of its shard holds the deletion and whatever it outdoes, and the log here has none of it any more.
    private void InspectCollected(WriteRecord tombstone, ReplicaCheckpoint after)
    {
        var topology = _node.Known!;
        var outdone = _ledger.Entries.Where(entry => entry.Record.Key.Equals(tombstone.Key) && !WinnerRule.Wins(entry.Record, tombstone) && !entry.IsLost).ToList();
        foreach (var member in topology.ShardOf(tombstone.Key).Members.Select(address => _node.Cluster[address]).Where(member => member.Disk.Incarnation == topology.IncarnationAt(member.Address)))
        {
            foreach (var entry in outdone.Where(entry => !member.Disk.Durable.Vector.Covers(entry.Record.Dot)))
                _violations.Add("Deletions are forgotten when all know", $"{_self.Address} forgets {tombstone.Dot} of {tombstone.Key}, and {member.Address} does not hold {entry.Record.Dot}");
        }

        foreach (var entry in outdone.Where(entry => after.Vector.Covers(entry.Record.Dot) && !after.LoggedAfter.Covers(entry.Record.Dot)))
            _violations.Add("What the log has is remembered", $"{_self.Address} forgets {tombstone.Dot} of {tombstone.Key}, and its log has {entry.Record.Dot}");
        _ledger.Collected(tombstone);
    }

    // Whoever is a member by the topology that this node goes by holds it, or has another disk by now.
    private void InspectTrim(VersionVector upTo)
    {
        var topology = _node.Known!;
        foreach (var dot in upTo)
        {
            foreach (var entry in _ledger.Of(dot.Origin, _trimmed[dot.Origin], dot.Sequence))
            {
                var shard = topology.ShardOf(entry.Record.Key);
                if (!topology.Concerns(dot.Origin.Group, topology.GroupOf(shard.Id))) continue;
                foreach (var member in shard.Members.Select(address => _node.Cluster[address]).Where(member => member.Disk.Incarnation == topology.IncarnationAt(member.Address)))
                {
                    if (!member.Disk.AnswersFor(entry.Record, topology) && !member.Disk.Durable.Vector.Covers(entry.Record.Dot))
                        _violations.Add("Trimmed is held by all", $"{_self.Address} trims {entry.Record.Dot} from its log, and {member.Address} does not hold it");
                }
            }
        }

        _trimmed = _trimmed.Join(upTo);
    }

    private void LearnOwnWrites(ReplicaCheckpoint checkpoint)
    {
        foreach (var former in checkpoint.Former) LearnOwnWrites(former.Group, former.Vector[new Origin(_self.Incarnation, former.Group)]);
        if (checkpoint.Place is { } place) LearnOwnWrites(place, checkpoint.Vector[new Origin(_self.Incarnation, place)]);
    }

    private void LearnOwnWrites(ReplicaGroup group, ulong through)
    {
        var known = _known.GetValueOrDefault(group);
        while (known < through)
        {
            if (_inner.ReadLog(new(_self.Incarnation, group), known, through, 256, int.MaxValue) is not { } slice)
            {
                // What was trimmed is in the ledger: it was learned before it went.
                var start = _inner.Checkpoint.LoggedAfter[new Origin(_self.Incarnation, group)];
                if (start <= known) return;
                _known[group] = known = start;
                continue;
            }

            var records = slice.Records;
            if (records.Count == 0) return;
            foreach (var record in records) _ledger.Written(record, _node.Cluster.Scheduler.Now);
            _known[group] = known = records[^1].Dot.Sequence;
        }
    }

    private void Inspect(ReplicaCheckpoint before, StorageBatch batch)
    {
        var after = batch.Checkpoint;
        if (before.Place == after.Place && !after.Vector.Covers(before.Vector)) _violations.Add("Vectors have no gaps", $"{_self.Address} goes back from {before.Vector} to {after.Vector}");
        // What comes by a scan comes in no order, and moves the vector at its end.
        var isMended = before.Fill?.IsAgain(before.Place) == true && after.Fill?.IsAgain(after.Place) != true;
        if (before.Place == after.Place && after.Place is { } place && !isMended) InspectOrder(before, batch, place);
        foreach (var record in batch.Log.Where(record => record.Dot.Origin.Incarnation != _self.Incarnation)) InspectRecord(record);
        InspectClaims(before, batch);
        InspectForgotten(before, batch);
    }

    // What its own group writes is all for it; of groups that ended it gets what is in its ranges.
    private void InspectOrder(ReplicaCheckpoint before, StorageBatch batch, ReplicaGroup place)
    {
        var vector = before.Vector;
        foreach (var record in batch.Log)
        {
            var dot = record.Dot;
            var isOfGroup = dot.Origin.Group == place;
            // What comes for a fill is put in order by nobody: it is not read before the fill is complete.
            if (!isOfGroup && batch.Checkpoint.Fill?.Find(dot.Origin.Group) is not null) continue;
            if (isOfGroup && dot.Sequence != vector[dot.Origin] + 1) _violations.Add("Vectors have no gaps", $"{_self.Address} applies {dot} on top of {vector}");
            vector = vector.With(dot);
            foreach (var dependency in record.OpenedToken.Dependencies.OfGroups(group => group == dot.Origin.Group))
            {
                if (dependency.Origin != dot.Origin && !(isOfGroup ? vector : batch.Checkpoint.Vector).Covers(dependency))
                    _violations.Add("Replicas apply in causal order", $"{_self.Address} applies {dot}, which depends on {dependency}, on top of {vector}");
            }
        }

        bool OfGroup(ReplicaGroup group) => group == place;
        if (!vector.OfGroups(OfGroup).Equals(batch.Checkpoint.Vector.OfGroups(OfGroup)))
            _violations.Add("Vectors say what was applied", $"{_self.Address} stores {batch.Checkpoint.Vector} after applying {vector}");
    }

    private void InspectRecord(WriteRecord record)
    {
        var known = _ledger.Find(record.Dot);
        if (known is null) _violations.Add("No record out of thin air", $"{_self.Address} applies {record.Dot}, which its origin never wrote durably");
        else if (!known.Record.Token.Span.SequenceEqual(record.Token.Span)) _violations.Add("One write per dot", $"{_self.Address} applies another {record.Dot} than its origin wrote");
    }

    // Of every write that the vector covers from now on, the effect must be here if its key is in the place's ranges; and so for each source of a fill that is whole.
    private void InspectClaims(ReplicaCheckpoint before, StorageBatch batch)
    {
        var after = batch.Checkpoint;
        if (after.Place is { } place)
        {
            var ring = _node.Cluster.Topology.RingOf(place.Layout);
            InspectClaim(before.Place == place ? before.Vector : VersionVector.Empty, after.Vector, batch, position => ring.OwnerOf(position) == place.Shard, place);
        }

        if (after.Fill is not { } fill || RingOf(fill) is not { } target) return;
        var former = before.Fill is { } known && known.Target == fill.Target && known.Since == fill.Since ? known : null;
        foreach (var source in fill.Sources.Where(source => source.IsWhole))
        {
            var ring = _node.Cluster.Topology.RingOf(source.Group.Layout);
            InspectClaim(
                former?.Find(source.Group) is { IsWhole: true, Vector: var held } ? held : VersionVector.Empty, source.Vector, batch,
                position => ring.OwnerOf(position) == source.Group.Shard && target.OwnerOf(position) == fill.Target.Shard, source.Group);
        }
    }

    private HashRing? RingOf(Fill fill)
    {
        var topology = _node.Known!;
        if (topology.Transition is { } transition && transition.Begun == fill.Since) return transition.Ring;
        return fill.Target.Layout <= topology.Layout ? topology.RingOf(fill.Target.Layout) : null;
    }

    private void InspectClaim(VersionVector before, VersionVector after, StorageBatch batch, Func<ulong, bool> isIncluded, ReplicaGroup group)
    {
        foreach (var dot in after)
        {
            foreach (var entry in _ledger.Of(dot.Origin, before[dot.Origin], dot.Sequence))
            {
                var record = entry.Record;
                if (!isIncluded(record.Key.Position)) continue;
                var winner = batch.Winners.GetValueOrDefault(record.Key) ?? (batch.Dropped.Any(range => range.Contains(record.Key.Position)) ? null : _inner.Read(record.Key));
                if ((winner is null || WinnerRule.Wins(record, winner)) && !_ledger.IsOutdoneByCollected(record))
                    _violations.Add("Vectors say what is held", $"{_self.Address} says that it holds {record.Dot} of {record.Key}, as part of {group}, and has {winner?.Dot.ToString() ?? "nothing"}");
            }
        }
    }

    private void Moved(ReplicaCheckpoint before, ReplicaCheckpoint after)
    {
        _node.Cluster.Log($"{_self.Address} moves from {before.Place?.ToString() ?? "no place"} to {after.Place?.ToString() ?? "no place"} with {after.Vector}");
        if (after.Place is not { } place) return;
        var live = _node.Cluster.Topology.RingOf(place.Layout).RangesOf(place.Shard).SelectMany(_inner.Scan).Count(record => !record.IsTombstone);
        if (after.LiveKeys != live) _violations.Add("Exact key counts", $"{_self.Address}, now of {place}, has {live} keys and counts {after.LiveKeys}");
    }
}
