using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.StorageContract;

/// <summary>Records and batches in few words.</summary>
internal static class Make
{
    public static readonly ReplicaGroup Group = new(0, new(1));
    public static readonly Origin Anna = new(new(0xA), Group);
    public static readonly Origin Boris = new(new(0xB), Group);

    public static WriteRecord Record(string key, string? value, Origin origin, ulong sequence, ulong stamp = 0, string token = "token") => new(
        new Key(key),
        value is null ? default : Encoding.UTF8.GetBytes(value),
        value is null,
        new HybridTimestamp(stamp == 0 ? sequence : stamp),
        new Dot(origin, sequence),
        Encoding.UTF8.GetBytes(token));

    /// <summary>The first of many keys that lies there.</summary>
    public static Key KeyIn(RingRange range) => Enumerable.Range(0, int.MaxValue).Select(i => new Key($"key{i}")).First(key => range.Contains(key.Position));

    /// <summary>A batch in which every record wins, on top of <paramref name="before"/>; keeps no count of live keys.</summary>
    public static StorageBatch Batch(ReplicaCheckpoint before, params WriteRecord[] records) => new(
        records,
        Winners(records),
        before with
        {
            Place = Group,
            Vector = before.Vector.Join(VersionVector.Of(records.Select(r => r.Dot))),
            Clock = records.Select(r => r.Stamp).Append(before.Clock).Max(),
        });

    public static IReadOnlyDictionary<Key, WriteRecord> Winners(params IEnumerable<WriteRecord> records)
    {
        var winners = new Dictionary<Key, WriteRecord>();
        foreach (var record in records) winners[record.Key] = record;
        return winners;
    }

    /// <summary>Everything a record says, for comparison.</summary>
    public static string Text(WriteRecord? record)
    {
        if (record is null) return "none";
        var row = new byte[RecordCodec.Measure(record)];
        return Convert.ToHexString(RecordCodec.Encode(record, row));
    }

    public static string Text(ReplicaCheckpoint checkpoint) => Convert.ToHexString(CheckpointCodec.Encode(checkpoint));
}
