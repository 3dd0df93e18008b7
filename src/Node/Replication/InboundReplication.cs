using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Peers;
using Kv.Node.Replica;

namespace Kv.Node.Replication;

/// <summary>The receiving side of causal broadcast, and the giving side of catching up.</summary>
internal sealed class InboundReplication(NodeIdentity self, ReplicaState replica, ReplicationOptions options)
{
    /// <summary>
    /// Serves one peer's broadcast until it ends: says what is held here, hands the peer's batches to the replica, and acknowledges what has become
    /// durable. Reading stops while too many batches are ahead of what is durable, so a record that waits for its past holds back only its own stream.
    /// </summary>
    public async Task ServeAsync(Incarnation from, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
    {
        var greeting = replica.Snapshot.Current.Vector;
        await stream.SendAsync(new(self.Incarnation, greeting), cancellation);

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var taking = TakeInAsync(stream, either.Token);
        var acknowledging = AcknowledgeAsync(from, greeting[from], stream, either.Token);
        var first = await Task.WhenAny(taking, acknowledging);
        either.Cancel();
        try
        {
            await Task.WhenAll(taking, acknowledging);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }

        await first;
    }

    /// <summary>The log entries that are asked for, as far as they are here, in pieces of one origin's log each.</summary>
    public IEnumerable<RecordBatch> Fetch(FetchRequest request)
    {
        var here = replica.Snapshot.Current.Vector;
        foreach (var wanted in request.Want)
        {
            var last = Math.Min(wanted.Sequence, here[wanted.Origin]);
            var cursor = request.Have[wanted.Origin];
            while (cursor < last)
            {
                var records = replica.ReadLog(wanted.Origin, cursor, RecordBatch.MaxRecords, RecordBatch.MaxBytes);
                if (records.Count == 0) break;
                yield return new(records);
                cursor = records[^1].Dot.Sequence;
            }
        }
    }

    private async Task TakeInAsync(IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
    {
        var ahead = new Queue<Dot>();
        while (await stream.ReceiveAsync(cancellation) is { } batch)
        {
            if (batch.Records.Count == 0) continue;
            await replica.DeliverAsync(batch.Records);
            ahead.Enqueue(batch.Records[^1].Dot);
            if (ahead.Count < options.MaxBatchesAhead) continue;
            var oldest = ahead.Dequeue();
            await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(oldest), cancellation);
        }
    }

    private async Task AcknowledgeAsync(
        Incarnation from, ulong acknowledged, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
    {
        while (true)
        {
            var snapshot = await replica.Snapshot.WaitAsync(next => next.Vector[from] > acknowledged, cancellation);
            acknowledged = snapshot.Vector[from];
            await stream.SendAsync(new(self.Incarnation, snapshot.Vector), cancellation);
        }
    }
}
