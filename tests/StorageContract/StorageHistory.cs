using CsCheck;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Xunit;

namespace Kv.StorageContract;

/// <summary>Random histories of an engine, compared step by step with a model of dictionaries and lists.</summary>
internal static class StorageHistory
{
    private static readonly Gen<List<Write>> Writes =
        Gen.Select(Gen.Int[0, 15], Gen.Int[0, 2], Gen.ULong[1, 50], Gen.Int[-1, 400], Gen.Bool, (key, origin, stamp, length, logged) => new Write(key, origin, stamp, length, logged))
            .List[0, 12];

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (12, Writes.Select(writes => (Step)new Commit(writes, []))),
        (3, Gen.Select(Writes, Gen.Select(Gen.Int[0, 15], Gen.Int[0, 20]).List[1, 3], (writes, dropped) => (Step)new Commit(writes, dropped))),
        (2, Gen.Select(Gen.Int[0, 2], Gen.Double[0, 1], (origin, share) => (Step)new Trim(origin, share))),
        (1, Gen.Select(Gen.Int[0, 3], Gen.Byte.Array[0, 20], (name, value) => (Step)new Name(name, value))),
        (2, Gen.Const((Step)new Reopen())));

    public static Task CheckAsync(long histories, Func<IStorageMedium> newMedium) => Steps.List[1, 25].SampleAsync(
        async history =>
        {
            using var medium = newMedium();
            var engine = medium.Open();
            var model = new Model();
            try
            {
                foreach (var step in history)
                {
                    if (step is Reopen)
                    {
                        await engine.DisposeAsync();
                        engine = medium.Open();
                    }

                    await model.ApplyAsync(step, engine);
                    model.Check(engine);
                }
            }
            finally
            {
                await engine.DisposeAsync();
            }
        },
        iter: histories,
        threads: 1,
        print: history => string.Join("\n", history));

    private abstract record Step;

    private sealed record Write(int Key, int Origin, ulong Stamp, int Length, bool Logged);

    /// <summary>Each of the ranges goes from the position of a key to that of another one in ring order, or to the end of the ring when there is no such key.</summary>
    private sealed record Commit(List<Write> Writes, List<(int First, int Keys)> Dropped) : Step
    {
        public override string ToString() => $"Commit {string.Join(", ", Writes)} after dropping {string.Join(", ", Dropped)}";
    }

    private sealed record Trim(int Origin, double Share) : Step;

    private sealed record Name(int Index, byte[] Value) : Step;

    private sealed record Reopen : Step;

    private sealed class Model
    {
        private static readonly Origin[] Origins = [new(new(1), new(0)), new(new(1), new(7, new(3))), new(new(ulong.MaxValue), new(uint.MaxValue))];
        private static readonly Key[] Keys = [.. Enumerable.Range(0, 16).Select(i => new Key($"key{i}")).Order()];

        private readonly SortedDictionary<Key, WriteRecord> _winners = [];
        private readonly Dictionary<Dot, WriteRecord> _log = [];
        private readonly Dictionary<int, byte[]> _names = [];
        private ReplicaCheckpoint _checkpoint = ReplicaCheckpoint.Empty;
        private VersionVector _trimmed = VersionVector.Empty;

        // A trim need not be durable, so after reopening its part of the log may be there again.
        private bool _trimIsCertain = true;

        public async ValueTask ApplyAsync(Step step, IStorageEngine engine)
        {
            switch (step)
            {
                case Commit(var writes, var dropped):
                    await engine.CommitAsync(ToBatch(writes, [.. dropped.Select(range => RangeOf(range.First, range.Keys))]));
                    break;
                case Trim(var origin, var share):
                    var upTo = VersionVector.Of(new Dot(Origins[origin], (ulong)(_checkpoint.Vector[Origins[origin]] * share)));
                    await engine.TrimLogAsync(upTo);
                    _trimmed = _trimmed.Join(upTo);
                    break;
                case Name(var index, var value):
                    await engine.WriteMetaAsync($"name{index}", value);
                    _names[index] = value;
                    break;
                case Reopen:
                    _trimIsCertain = false;
                    break;
            }
        }

        public void Check(IStorageEngine engine)
        {
            Assert.Equal(Make.Text(_checkpoint), Make.Text(engine.Checkpoint));
            foreach (var key in Keys) Assert.Equal(Make.Text(_winners.GetValueOrDefault(key)), Make.Text(engine.Read(key)));
            Assert.Equal(_winners.Values.Select(Make.Text), engine.Scan(RingRange.Whole).Select(Make.Text));
            var half = RingRange.Between(Keys[3].Position / 2, Keys[3].Position);
            Assert.Equal(_winners.Values.Where(r => half.Contains(r.Key.Position)).Select(Make.Text), engine.Scan(half).Select(Make.Text));
            Assert.Equal(Summaries(), engine.ReadArcs()!.OrderBy(count => count.Key));
            for (var index = 0; index < 4; index++) Assert.Equal(_names.GetValueOrDefault(index), engine.ReadMeta($"name{index}"));
            foreach (var origin in Origins)
            {
                for (var after = 0ul; after <= _checkpoint.Vector[origin] + 1; after++) CheckLog(engine, origin, after);
            }
        }

        private void CheckLog(IStorageEngine engine, Origin origin, ulong after)
        {
            const int MaxRecords = 4;
            const int MaxBytes = 600;
            var through = _checkpoint.Vector[origin] - Math.Min(after % 3, _checkpoint.Vector[origin]);
            var actual = engine.ReadLog(origin, after, through, MaxRecords, MaxBytes);
            if (actual is null || (after < _trimmed[origin] && _trimIsCertain))
            {
                Assert.Null(actual);
                Assert.True(after < _trimmed[origin]);
                return;
            }

            var expected = new List<WriteRecord>();
            var bytes = 0;
            var end = Math.Max(after, through);
            foreach (var record in _log.Values.Where(record => record.Dot.Origin == origin && record.Dot.Sequence > after && record.Dot.Sequence <= through).OrderBy(record => record.Dot))
            {
                bytes += record.Value.Length + record.Token.Length;
                if (expected.Count == MaxRecords || (bytes > MaxBytes && expected.Count > 0))
                {
                    end = expected[^1].Dot.Sequence;
                    break;
                }

                expected.Add(record);
            }

            if (expected.Count == MaxRecords) end = expected[^1].Dot.Sequence;
            Assert.Equal(expected.Select(Make.Text), actual.Records.Select(Make.Text));
            Assert.Equal(end, actual.Through);
        }

        private static RingRange RangeOf(int first, int keys) =>
            RingRange.Between(Keys[first].Position, first + keys < Keys.Length ? Keys[first + keys].Position : ulong.MaxValue);

        private IEnumerable<KeyValuePair<int, ArcSummary>> Summaries() =>
            _winners.Values.GroupBy(r => HashRing.ArcOf(r.Key.Position)).Select(arc => KeyValuePair.Create(arc.Key, ArcSummary.Of(arc)));

        private StorageBatch ToBatch(List<Write> writes, IReadOnlyList<RingRange> dropped)
        {
            var before = Summaries().ToDictionary();
            foreach (var key in _winners.Keys.Where(key => dropped.Any(range => range.Contains(key.Position))).ToList()) _winners.Remove(key);
            var log = new List<WriteRecord>();
            var winners = new Dictionary<Key, WriteRecord>();
            var vector = _checkpoint.Vector;
            foreach (var write in writes)
            {
                var origin = Origins[write.Origin];
                var dot = new Dot(origin, vector[origin] + 1);
                vector = vector.With(dot);
                var value = write.Length < 0 ? [] : new byte[write.Length];
                var record = new WriteRecord(Keys[write.Key], value, write.Length < 0, new HybridTimestamp(write.Stamp), dot, new byte[write.Origin * 10]);
                if (write.Logged) log.Add(_log[dot] = record);
                if (!WinnerRule.Wins(record, _winners.GetValueOrDefault(record.Key))) continue;
                winners[record.Key] = _winners[record.Key] = record;
            }

            _checkpoint = new(new ReplicaGroup(7), vector, new HybridTimestamp(_checkpoint.Clock.Packed + 1), _winners.Values.Count(r => !r.IsTombstone));
            var after = Summaries().ToDictionary();
            var changed = before.Keys.Union(after.Keys).Where(arc => before.GetValueOrDefault(arc) != after.GetValueOrDefault(arc));
            return new(log, winners, _checkpoint) { Dropped = dropped, Arcs = changed.ToDictionary(arc => arc, arc => after.GetValueOrDefault(arc)) };
        }
    }
}
