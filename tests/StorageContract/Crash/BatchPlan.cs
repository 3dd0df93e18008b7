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
    public static readonly Origin Origin = new(new(0xFEED), new(2, new(3)));

    private static readonly IComparer<KeyValuePair<int, ArcSummary>> ByArc = Comparer<KeyValuePair<int, ArcSummary>>.Create((one, other) => one.Key.CompareTo(other.Key));

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
        var before = Summaries();
        var dropped = random.Next(6) == 0 ? Slice(random.Next(8), random.Next(8)) : default(RingRange?);
        foreach (var key in _winners.Keys.Where(key => dropped?.Contains(key.Position) == true).ToList()) _winners.Remove(key);
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

        _checkpoint = new(Origin.Group, VersionVector.Of(new Dot(Origin, Written)), new HybridTimestamp(Number), _winners.Values.Count(r => !r.IsTombstone));
        var after = Summaries();
        var changed = before.Keys.Union(after.Keys).Where(arc => before.GetValueOrDefault(arc) != after.GetValueOrDefault(arc));
        return new(log, winners, _checkpoint)
        {
            Dropped = dropped is { } gone ? [gone] : [],
            Arcs = changed.ToDictionary(arc => arc, arc => after.GetValueOrDefault(arc)),
        };
    }

    /// <summary>Goes on to batch <paramref name="number"/>, which is not behind.</summary>
    public void AdvanceTo(ulong number)
    {
        while (Number < number) Next();
    }

    /// <summary>The engine holds what the batches up to this one leave: winners, counts, checkpoint, and the last records of the log.</summary>
    public void AssertHeldBy(IStorageEngine engine, ulong keptInLog)
    {
        Assert.Equal(Make.Text(_checkpoint), Make.Text(engine.Checkpoint));
        Assert.Equal(_winners.Values.Select(Make.Text), engine.Scan(RingRange.Whole).Select(Make.Text).ToList());
        foreach (var winner in _winners.Values) Assert.Equal(Make.Text(winner), Make.Text(engine.Read(winner.Key)));
        Assert.Equal(Summaries().Order(ByArc), engine.ReadArcs()!.Order(ByArc));
        var trimmed = Written > keptInLog ? Written - keptInLog : 0;
        Assert.Equal(_log.Skip((int)trimmed).Select(Make.Text), engine.ReadLog(Origin, trimmed, Written, int.MaxValue, int.MaxValue)!.Records.Select(Make.Text));
    }

    // Some eighths of the ring, side by side.
    private static RingRange Slice(int one, int other) => RingRange.Between((ulong)Math.Min(one, other) << 61, ((ulong)Math.Max(one, other) << 61) + ((1UL << 61) - 1));

    private Dictionary<int, ArcSummary> Summaries() =>
        _winners.Values.GroupBy(r => HashRing.ArcOf(r.Key.Position)).ToDictionary(arc => arc.Key, ArcSummary.Of);

    // System.HashCode differs from process to process.
    private static int HashCode(int seed, ulong number) => unchecked((seed * 1_000_003) ^ (int)(number * 2_654_435_761));
}
