using System.IO.Hashing;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Simulation.Nodes;

/// <summary>
/// Every write that ever became durable anywhere, as no node can know it. Says at once when a dot or a write exists twice, so that these are found even
/// when no client happens to look.
/// </summary>
internal sealed class Ledger(Violations violations)
{
    private readonly Dictionary<Dot, Entry> _byDot = [];
    private readonly Dictionary<Origin, List<Entry>> _byOrigin = [];
    private readonly Dictionary<ulong, Entry> _byToken = [];
    private readonly Dictionary<long, Entry> _byValue = [];
    private readonly Dictionary<Key, WriteRecord> _collected = [];

    public IEnumerable<Entry> Entries => _byDot.Values;

    public void Written(WriteRecord record, long now)
    {
        if (_byDot.TryGetValue(record.Dot, out var known))
        {
            if (!known.Record.Token.Span.SequenceEqual(record.Token.Span))
                violations.Add("One write per dot", $"{record.Dot} is the write of {record.Key} at {record.Stamp} and that of {known.Record.Key} at {known.Record.Stamp}");
            return;
        }

        var entry = new Entry(record, now);
        _byDot.Add(record.Dot, entry);
        if (!_byOrigin.TryGetValue(record.Dot.Origin, out var all)) _byOrigin[record.Dot.Origin] = all = [];
        if (record.Dot.Sequence != (ulong)all.Count + 1) violations.Add("Vectors have no gaps", $"{record.Dot} is written after {all.Count} others of its origin");
        all.Add(entry);
        _byToken[XxHash3.HashToUInt64(record.Token.Span)] = entry;
        if (record.IsTombstone) return;
        if (!_byValue.TryAdd(ClientValue.Read(record.Value), entry))
            violations.Add("Each write applied once", $"the value {ClientValue.Read(record.Value)} of {record.Key} was written as {record.Dot} and as {_byValue[ClientValue.Read(record.Value)].Record.Dot}");
    }

    /// <summary>A deletion that somebody has forgotten, because everybody knows of it.</summary>
    public void Collected(WriteRecord tombstone)
    {
        if (!_collected.TryGetValue(tombstone.Key, out var known) || WinnerRule.Wins(tombstone, known)) _collected[tombstone.Key] = tombstone;
    }

    /// <summary>True when a deletion that was forgotten is the record, or wins over it.</summary>
    public bool IsOutdoneByCollected(WriteRecord record) => _collected.TryGetValue(record.Key, out var collected) && !WinnerRule.Wins(record, collected);

    /// <summary>The last deletion of a key that somebody has forgotten, or null.</summary>
    public WriteRecord? CollectedOf(Key key) => _collected.GetValueOrDefault(key);

    public Entry? Find(Dot dot) => _byDot.GetValueOrDefault(dot);

    /// <summary>What an origin wrote after one sequence and up to another, as far as it is known by now.</summary>
    public IEnumerable<Entry> Of(Origin origin, ulong after, ulong through)
    {
        if (!_byOrigin.TryGetValue(origin, out var all)) yield break;
        for (var i = after; i < Math.Min(through, (ulong)all.Count); i++) yield return all[(int)i];
    }

    public Entry? FindByToken(ReadOnlyMemory<byte> token) => _byToken.GetValueOrDefault(XxHash3.HashToUInt64(token.Span));

    public Entry? FindByValue(long value) => _byValue.GetValueOrDefault(value);

    /// <summary>One durable write.</summary>
    internal sealed record Entry(WriteRecord Record, long At)
    {
        /// <summary>The only disk that held it was lost: only a write that no other replica was to hold may be.</summary>
        public bool IsLost { get; set; }

        /// <summary>More than one disk of its shard had been lost by then, so that it may have been on several.</summary>
        public bool IsLostForManyReasons { get; set; }
    }
}
