using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Kv.Node.Topology;

namespace Kv.Simulation.Nodes;

/// <summary>
/// Looks over the shoulder of one replica's writer: what it asks to be stored must be in causal order and without gaps, what it was told is durable must
/// be there after a restart, and every record must be the one write that its dot names. What its register
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
    private ulong _known;

    public AuditedStorage(IStorageEngine inner, NodeIdentity self, SimNode node)
    {
        (_inner, _self, _node, _disk, _ledger, _violations) = (inner, self, node, node.Disk, node.Cluster.Ledger, node.Cluster.Violations);
        _register = new(self, inner);
        var disk = _disk;
        var violations = _violations;
        var found = inner.Checkpoint.Vector;
        if (!found.Covers(disk.Durable)) violations.Add("Durable is durable", $"{self.Address} was told that {disk.Durable} is durable, and finds {found}");
        disk.Durable = disk.Durable.Join(found);
        LearnOwnWrites();
        LearnRegister();
    }

    public ReplicaCheckpoint Checkpoint => _inner.Checkpoint;

    public WriteRecord? Read(Key key)
    {
        var record = _inner.Read(key);
        if (record is not null && record.Dot.Origin == _self.Incarnation && record.Dot.Sequence > _known) LearnOwnWrites();
        return record;
    }

    public async ValueTask CommitAsync(StorageBatch batch)
    {
        Inspect(batch);
        await _inner.CommitAsync(batch);
        _disk.Durable = batch.Checkpoint.Vector;
        LearnOwnWrites();
    }

    public IReadOnlyList<WriteRecord> ReadLog(Incarnation origin, ulong after, int maxRecords, int maxBytes)
    {
        // What is synced can be read, and sent, before the writer is told.
        if (origin == _self.Incarnation) LearnOwnWrites();
        return _inner.ReadLog(origin, after, maxRecords, maxBytes);
    }

    public ValueTask TrimLogAsync(VersionVector upTo) => _inner.TrimLogAsync(upTo);

    public IEnumerable<WriteRecord> Scan(RingRange range) => _inner.Scan(range);

    public byte[]? ReadMeta(string name) => _inner.ReadMeta(name);

    public async ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value)
    {
        await _inner.WriteMetaAsync(name, value);
        if (name != RegisterKey) return;
        if (LearnRegister() is { } proposer && _node.Cluster.RegisterPersisted is { } persisted) await persisted(_node, proposer);
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private Incarnation? LearnRegister()
    {
        if (_register.Load() is not { } state) return null;
        _node.Cluster.History.Persisted(_self, state);
        return state.Acceptor.Promised.Proposer;
    }

    // Which shard owns a key never changes, whoever replicates it.
    private ShardId ShardOf(WriteRecord record) => _node.Cluster.Topology.ShardOf(record.Key).Id;

    private void LearnOwnWrites()
    {
        while (true)
        {
            var records = _inner.ReadLog(_self.Incarnation, _known, 256, int.MaxValue);
            if (records.Count == 0) return;
            foreach (var record in records) _ledger.Written(record, ShardOf(record), _node.Cluster.Scheduler.Now);
            _known = records[^1].Dot.Sequence;
        }
    }

    private void Inspect(StorageBatch batch)
    {
        var vector = _inner.Checkpoint.Vector;
        foreach (var record in batch.Log)
        {
            var dot = record.Dot;
            if (dot.Sequence != vector[dot.Origin] + 1) _violations.Add("Vectors have no gaps", $"{_self.Address} applies {dot} on top of {vector}");
            foreach (var dependency in record.OpenedToken.Dependencies.Of(ShardOf(record)))
            {
                if (dependency != dot && !vector.Covers(dependency))
                    _violations.Add("Replicas apply in causal order", $"{_self.Address} applies {dot}, which depends on {dependency}, on top of {vector}");
            }

            vector = vector.With(dot);
            if (dot.Origin == _self.Incarnation) continue;
            var known = _ledger.Find(dot);
            if (known is null) _violations.Add("No record out of thin air", $"{_self.Address} applies {dot}, which its origin never wrote durably");
            else if (!known.Record.Token.Span.SequenceEqual(record.Token.Span)) _violations.Add("One write per dot", $"{_self.Address} applies another {dot} than its origin wrote");
        }

        if (!vector.Equals(batch.Checkpoint.Vector)) _violations.Add("Vectors say what was applied", $"{_self.Address} stores {batch.Checkpoint.Vector} after applying {vector}");
    }
}
