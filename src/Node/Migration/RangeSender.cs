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
    private const int MostRecords = 4096;

    /// <summary>
    /// Sends what <paramref name="request"/> asks for: the cut, what was held after it, and the digest, if this node still has its place by then: a replica that has moved on has dropped records,
    /// and the scan may have missed them. Throws <see cref="TransferRefusedException"/> when the receiver should ask another one.
    /// </summary>
    public async IAsyncEnumerable<TransferPiece> SendAsync(TransferRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var snapshot = await UntilReadyAsync(request, cancellation);
        var cut = new TransferPiece.Cut(snapshot.Vector) { Clock = snapshot.Clock };
        await foreach (var piece in request.Kind is TransferKind.Records ? GiveAsync(request, cut, cancellation) : CompareAsync(request, cut, cancellation)) yield return piece;
    }

    // 1. Scan as much as the receiver takes, and pay for it. 2. Only then send it, from the cut to the end without a pause: how long that takes tells the receiver what the link carries.
    private async IAsyncEnumerable<TransferPiece> GiveAsync(TransferRequest request, TransferPiece.Cut cut, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // 1.
        var page = new List<WriteRecord>();
        var digest = new TransferDigest();
        ulong? through = null;
        var (bytes, paid) = (0, 0);
        var since = time.GetTimestamp();
        foreach (var record in request.Ranges.SelectMany(replica.Scan))
        {
            // What is asked for next begins at a position of its own.
            if ((bytes >= request.MaxBytes || page.Count >= MostRecords) && record.Key.Position != page[^1].Key.Position)
            {
                through = page[^1].Key.Position;
                break;
            }

            page.Add(record);
            digest.Add(record);
            bytes += record.Key.Utf8.Length + record.Value.Length + record.Token.Length;
            if (page.Count % RecordBatch.MaxRecords != 0) continue;
            await foreach (var nothing in WhilePayingAsync(bytes - paid, time.GetElapsedTime(since), cancellation)) yield return nothing;
            (paid, since) = (bytes, time.GetTimestamp());
        }

        await foreach (var nothing in WhilePayingAsync(bytes - paid, time.GetElapsedTime(since), cancellation)) yield return nothing;

        // 2.
        RefuseIfMovedOn(request);
        yield return cut;
        foreach (var batch in page.Chunk(RecordBatch.MaxRecords)) yield return new TransferPiece.Records(batch);
        yield return new TransferPiece.End(digest.Count, digest.Value) { Through = through };
    }

    private void RefuseIfMovedOn(TransferRequest request)
    {
        if (topology.Current.Layout != request.Source.Layout || replica.Snapshot.Current.Place != request.Source) throw Refused("has moved on from that group");
    }

    private async IAsyncEnumerable<TransferPiece> CompareAsync(TransferRequest request, TransferPiece.Cut cut, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return cut;
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

    // A receiver takes silence for a broken session, and the turn may be far off where the bound is low: until then it is sent nothing, in so many pieces.
    private async IAsyncEnumerable<TransferPiece> WhilePayingAsync(int bytes, TimeSpan scanned, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var paid = PayAsync(bytes, scanned, cancellation);
        while (!paid.IsCompleted && await Task.WhenAny(paid, Task.Delay(options.AnswerTimeout / 3, time, cancellation)) != paid)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return new TransferPiece.Records([]);
        }

        await paid;
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
