using System.Runtime.CompilerServices;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Replica;
using Kv.Node.Replication;

namespace Kv.Node.Changes;

/// <summary>Reads through a shard's data for feeds: a few at a time, with as much rest as transfers take, and without keeping the store's view open for whoever reads slowly.</summary>
internal sealed class ChangeScanner(ReplicaState replica, TransferBudget budget, TimeProvider time, ChangesOptions options) : IDisposable
{
    private const int LongestStretch = 4096;

    private readonly SemaphoreSlim _turns = new(options.MaxScans);

    /// <summary>The records of the shard that are <paramref name="wanted"/>, in ring order, a batch at a time; now and then an empty one, so that it can be heard that the scan goes on.</summary>
    public async IAsyncEnumerable<IReadOnlyList<WriteRecord>> ScanAsync(HashRing ring, ShardId shard, Func<WriteRecord, bool> wanted, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var range in ring.RangesOf(shard))
        {
            for (var (last, isMore) = (default(Key?), true); isMore;)
            {
                // Whoever asked takes silence for a scan that broke off, and the turn may be far off where many scan: until then it is told nothing, in so many batches.
                var turn = ReadInTurnAsync(range, last, wanted, cancellation).AsTask();
                while (!turn.IsCompleted && await Task.WhenAny(turn, Task.Delay(options.AnswerTimeout / 3, time, cancellation)) != turn)
                {
                    cancellation.ThrowIfCancellationRequested();
                    yield return [];
                }

                (var batch, last, isMore) = await turn;
                yield return batch;
            }
        }
    }

    public void Dispose() => _turns.Dispose();

    // A turn is for reading alone: whoever waits for a slow client keeps nobody else from it.
    private async ValueTask<(List<WriteRecord> Batch, Key? Last, bool IsMore)> ReadInTurnAsync(RingRange range, Key? last, Func<WriteRecord, bool> wanted, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation);
        try
        {
            var since = time.GetTimestamp();
            var read = Read(range, last, wanted);
            await budget.RestAsync(time.GetElapsedTime(since), cancellation);
            return read;
        }
        finally
        {
            _turns.Release();
        }
    }

    // From after the last key that was looked at; two keys may be at one position.
    private (List<WriteRecord> Batch, Key? Last, bool IsMore) Read(RingRange range, Key? last, Func<WriteRecord, bool> wanted)
    {
        var batch = new List<WriteRecord>();
        var (bytes, looked) = (0, 0);
        var rest = last is { } seen ? RingRange.Between(seen.Position, range.Last) : range;
        foreach (var record in replica.Scan(rest))
        {
            if (last is { } before && record.Key.CompareTo(before) <= 0) continue;
            last = record.Key;
            looked++;
            bytes += record.Value.Length + record.Token.Length;
            if (wanted(record)) batch.Add(record);
            if (batch.Count < RecordBatch.MaxRecords && bytes < RecordBatch.MaxBytes && looked < LongestStretch) continue;
            return (batch, last, true);
        }

        return (batch, last, false);
    }
}
