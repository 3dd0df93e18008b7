using System.Runtime.CompilerServices;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Signals;
using Kv.Node.Storage;

namespace Kv.Node.Migration;

/// <summary>The giving side of a transfer.</summary>
internal sealed class RangeSender(
    NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, TransferBudget budget, TimeProvider time, MigrationOptions options)
{
    private const int MostEntries = 4096;

    /// <summary>
    /// Sends what <paramref name="request"/> asks for. 1. Wait until this node may give it. 2. Tell the cut. 3. Scan. 4. Tell the digest, if this node still has its
    /// place: a replica that has moved on has dropped records, and the scan may have missed them. Throws <see cref="TransferRefusedException"/> when
    /// the receiver should ask another one.
    /// </summary>
    public async IAsyncEnumerable<TransferPiece> SendAsync(TransferRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // 1.
        var snapshot = await UntilReadyAsync(request, cancellation);

        // 2.
        yield return new TransferPiece.Cut(snapshot.Vector) { Clock = snapshot.Clock };

        // 3.
        if (request.Kind is not TransferKind.Records)
        {
            await foreach (var piece in CompareAsync(request, cancellation)) yield return piece;
            yield break;
        }

        var digest = new TransferDigest();
        var batch = new List<WriteRecord>();
        var bytes = 0;
        var since = time.GetTimestamp();
        foreach (var record in request.Ranges.SelectMany(replica.Scan))
        {
            digest.Add(record);
            batch.Add(record);
            bytes += record.Key.Utf8.Length + record.Value.Length + record.Token.Length;
            if (batch.Count < RecordBatch.MaxRecords && bytes < RecordBatch.MaxBytes) continue;
            await foreach (var piece in PaidForAsync(batch, bytes, time.GetElapsedTime(since), cancellation)) yield return piece;
            (batch, bytes, since) = ([], 0, time.GetTimestamp());
        }

        if (batch.Count > 0) await foreach (var piece in PaidForAsync(batch, bytes, time.GetElapsedTime(since), cancellation)) yield return piece;

        // 4.
        RefuseIfMovedOn(request);
        yield return new TransferPiece.End(digest.Count, digest.Value);
    }

    private void RefuseIfMovedOn(TransferRequest request)
    {
        if (topology.Current.Layout != request.Source.Layout || replica.Snapshot.Current.Place != request.Source) throw Refused("has moved on from that group");
    }

    private async IAsyncEnumerable<TransferPiece> CompareAsync(TransferRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var since = time.GetTimestamp();
        if (request.Kind is TransferKind.Differences)
        {
            var own = await RangeSummaries.OfAsync(replica, request.Ranges);
            var differing = Enumerable.Range(0, own.Length).Where(at => own[at] != request.Known[at]).Select(at => new RangeDifference(at, own[at].Records)).ToList();
            yield return new TransferPiece.Differences(differing);
            await budget.RestAsync(time.GetElapsedTime(since), cancellation);
            RefuseIfMovedOn(request);
            yield return new TransferPiece.End(differing.Count, 0);
            yield break;
        }

        var count = 0L;
        foreach (var entries in request.Ranges.SelectMany(replica.Scan).Select(record => new RangeEntry(record.Key.Position, RecordDigest.Of(record))).Chunk(MostEntries))
        {
            count += entries.Length;
            yield return new TransferPiece.Entries(entries);
            await budget.RestAsync(time.GetElapsedTime(since), cancellation);
            since = time.GetTimestamp();
        }

        RefuseIfMovedOn(request);
        yield return new TransferPiece.End(count, 0);
    }

    // A receiver takes silence for a broken session, and the turn of a piece may be far off where the bound is low: until then it is sent nothing, in so many pieces.
    private async IAsyncEnumerable<TransferPiece> PaidForAsync(List<WriteRecord> batch, int bytes, TimeSpan scanned, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var paid = PayAsync(bytes, scanned, cancellation);
        while (!paid.IsCompleted && await Task.WhenAny(paid, Task.Delay(options.AnswerTimeout / 3, time, cancellation)) != paid)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return new TransferPiece.Records([]);
        }

        await paid;
        yield return new TransferPiece.Records(batch);
    }

    private async Task PayAsync(int bytes, TimeSpan scanned, CancellationToken cancellation)
    {
        await budget.SpendBytesAsync(bytes, cancellation);
        await budget.RestAsync(scanned, cancellation);
    }

    private async Task<ReplicaSnapshot> UntilReadyAsync(TransferRequest request, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.AnswerTimeout * 0.75, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            var snapshot = await replica.Snapshot.WaitAsync(
                next => next.Followed >= request.Epoch && (next.Place != request.Source || next.Vector.Covers(request.Have)), either.Token);
            if (snapshot.Place != request.Source || !snapshot.IsComplete) throw Refused("does not hold that group whole");
            var ring = topology.Current.RingOf(request.Source.Layout);
            return AreOf(ring, request) ? snapshot : throw Refused("is asked for ranges that are not the group's, or not in order");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Refused("does not know the epoch, or does not hold what the receiver has already");
        }
    }

    private static bool AreOf(HashRing ring, TransferRequest request)
    {
        var next = 0UL;
        foreach (var range in request.Ranges)
        {
            if (range.First < next) return false;
            for (var arc = HashRing.ArcOf(range.First); arc <= HashRing.ArcOf(range.Last); arc++)
            {
                if (ring.OwnerOfArc(arc) != request.Source.Shard) return false;
            }

            if (range.Last == ulong.MaxValue) return range == request.Ranges[^1];
            next = range.Last + 1;
        }

        return true;
    }

    private TransferRefusedException Refused(string reason) => new($"{self.Address} {reason}.");
}
