using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Node.Storage;

namespace Kv.StorageContract;

/// <summary>Records and batches in few words.</summary>
internal static class Make
{
    public static readonly Incarnation Anna = new(0xA);
    public static readonly Incarnation Boris = new(0xB);

    public static WriteRecord Record(string key, string? value, Incarnation origin, ulong sequence, ulong stamp = 0, string token = "token") => new(
        new Key(key),
        value is null ? default : Encoding.UTF8.GetBytes(value),
        value is null,
        new HybridTimestamp(stamp == 0 ? sequence : stamp),
        new Dot(origin, sequence),
        Encoding.UTF8.GetBytes(token));

    /// <summary>A batch in which every record wins, on top of <paramref name="before"/>; keeps no count of live keys.</summary>
    public static StorageBatch Batch(ReplicaCheckpoint before, params WriteRecord[] records) => new(
        records,
        Winners(records),
        new(before.Vector.Join(VersionVector.Of(records.Select(r => r.Dot))), HybridTimestamp.Max(before.Clock, records.Max(r => r.Stamp)), before.LiveKeys));

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

    public static string Text(ReplicaCheckpoint checkpoint) => $"{checkpoint.Vector} {checkpoint.Clock} {checkpoint.LiveKeys}";
}
