using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Replication;

/// <summary>The receiving side of causal broadcast, and the giving side of catching up.</summary>
internal sealed class InboundReplication(NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, ReplicationOptions options)
{
    /// <summary>
    /// Serves one peer's broadcast until it ends: says what is held here, hands the peer's batches to the replica, and acknowledges what has become
    /// durable. Reading stops while too many batches are ahead of what is durable, so a record that waits for its past holds back only its own stream.
    /// Ends as well when this node gets another shard, or none: what was taken in meanwhile was dropped, and the peer must begin anew.
    /// </summary>
    public async Task ServeAsync(Incarnation from, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
    {
        var shard = replica.Place.Shard?.Id;
        var greeting = replica.Snapshot.Current.Vector;
        await stream.SendAsync(new(self.Incarnation, greeting), cancellation);
        await Duplex.RunAsync(
            async stop => await topology.WaitAsync(next => next.PlaceOf(self).Shard?.Id != shard, stop),
            stop => Duplex.RunAsync(within => TakeInAsync(stream, within), within => AcknowledgeAsync(from, greeting[from], stream, within), stop),
            cancellation);
    }

    /// <summary>
    /// The log entries that are asked for, as far as they are here, of all origins together in the order of their stamps. A write's stamp exceeds those of
    /// all it depends on, so the receiver can apply them as they come and none waits in its inbox.
    /// </summary>
    public IEnumerable<RecordBatch> Fetch(FetchRequest request)
    {
        var here = replica.Snapshot.Current.Vector;
        var origins = new PriorityQueue<LogCursor, (HybridTimestamp, Incarnation)>();
        foreach (var wanted in request.Want)
        {
            var cursor = new LogCursor(replica, request.Have[wanted.Origin], wanted with { Sequence = Math.Min(wanted.Sequence, here[wanted.Origin]) });
            if (cursor.MoveNext()) origins.Enqueue(cursor, (cursor.Current.Stamp, wanted.Origin));
        }

        var batch = new List<WriteRecord>();
        var bytes = 0;
        while (origins.TryDequeue(out var cursor, out _))
        {
            var record = cursor.Current;
            batch.Add(record);
            bytes += record.Value.Length + record.Token.Length;
            if (cursor.MoveNext()) origins.Enqueue(cursor, (cursor.Current.Stamp, record.Dot.Origin));
            if (batch.Count < RecordBatch.MaxRecords && bytes < RecordBatch.MaxBytes) continue;
            yield return new(batch);
            (batch, bytes) = ([], 0);
        }

        if (batch.Count > 0) yield return new(batch);
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
