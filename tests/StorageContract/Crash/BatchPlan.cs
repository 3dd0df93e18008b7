using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Xunit;

namespace Kv.StorageContract.Crash;

/// <summary>
/// An endless series of batches that depends on its seed alone, so that the process that writes them and the one that checks what is left need not talk.
/// A batch's number is the clock of its checkpoint.
/// </summary>
internal sealed class BatchPlan(int seed)
{
    public static readonly Incarnation Origin = new(0xFEED);

    private readonly SortedDictionary<Key, WriteRecord> _winners = [];
    private readonly List<WriteRecord> _log = [];
    private ReplicaCheckpoint _checkpoint = ReplicaCheckpoint.Empty;

    public ulong Number { get; private set; }

    /// <summary>How many records there were in all batches so far.</summary>
    public ulong Written => (ulong)_log.Count;

    public StorageBatch Next()
    {
        Number++;
        var random = new Random(HashCode(seed, Number));
        var log = new List<WriteRecord>();
        var winners = new Dictionary<Key, WriteRecord>();
        for (var count = random.Next(1, 9); count > 0; count--)
        {
            var value = new byte[random.Next(0, 2000)];
            random.NextBytes(value);
            var tombstone = random.Next(5) == 0;
            var record = new WriteRecord(
                new Key($"key{random.Next(100)}"), tombstone ? default : value, tombstone, new HybridTimestamp(Number), new Dot(Origin, Written + 1), BitConverter.GetBytes(Number));
            _log.Add(record);
            log.Add(record);
            winners[record.Key] = _winners[record.Key] = record;
        }

        _checkpoint = new(VersionVector.Of(new Dot(Origin, Written)), new HybridTimestamp(Number), _winners.Values.Count(r => !r.IsTombstone));
        return new(log, winners, _checkpoint);
    }

    /// <summary>Goes on to batch <paramref name="number"/>, which is not behind.</summary>
    public void AdvanceTo(ulong number)
    {
        while (Number < number) Next();
    }

    /// <summary>The engine holds what the batches up to this one leave: winners, checkpoint, and the last records of the log.</summary>
    public void AssertHeldBy(IStorageEngine engine, ulong keptInLog)
    {
        Assert.Equal(Make.Text(_checkpoint), Make.Text(engine.Checkpoint));
        Assert.Equal(_winners.Values.Select(Make.Text), engine.Scan(RingRange.Whole).Select(Make.Text));
        foreach (var winner in _winners.Values) Assert.Equal(Make.Text(winner), Make.Text(engine.Read(winner.Key)));
        var trimmed = Written > keptInLog ? Written - keptInLog : 0;
        Assert.Equal(_log.Skip((int)trimmed).Select(Make.Text), engine.ReadLog(Origin, trimmed, int.MaxValue, int.MaxValue).Select(Make.Text));
    }

    // System.HashCode differs from process to process.
    private static int HashCode(int seed, ulong number) => unchecked((seed * 1_000_003) ^ (int)(number * 2_654_435_761));
}
