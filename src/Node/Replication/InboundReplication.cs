using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Replication;

/// <summary>The receiving side of causal broadcast, and the giving side of catching up.</summary>
internal sealed class InboundReplication(
    NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, TimeProvider time, ReplicationOptions options)
{
    /// <summary>
    /// Serves one peer's broadcast until it ends. 1. Come to know what the peer knows. 2. Say what is held here. 3. Hand the peer's batches to the replica,
    /// and acknowledge what has become durable. Reading stops while too many batches are ahead of what is durable, so a record that waits for its past
    /// holds back only its own stream. Ends as well when the layout or the reshard under way changes: what was sent and left out was chosen by it.
    /// </summary>
    public async Task ServeAsync(NodeIdentity from, BroadcastOpening opening, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
    {
        if (await GreetedAsync(from, opening, cancellation) is not (var greeted, var group)) return;
        var greeting = greeted.Received;
        await stream.SendAsync(new(self.Incarnation, greeting), cancellation);
        await Duplex.RunAsync(
            stop => UntilAnotherScopeAsync(from, opening.Scope, group, SessionOf(greeted), stop),
            stop => Duplex.RunAsync(within => TakeInAsync(from, opening.Scope, stream, within), within => AcknowledgeAsync(from.Incarnation, greeting, stream, within), stop),
            cancellation);
    }

    /// <summary>
    /// The log entries that are asked for, as far as the log here reaches, of all origins together in the order of their stamps. What groups that ended wrote to keys that are
    /// not the place's is in the log as well, and is left out.
    /// </summary>
    public IEnumerable<RecordBatch> Fetch(FetchRequest request)
    {
        var snapshot = replica.Snapshot.Current;
        var view = topology.Current;
        if (snapshot.Place is not { } place || place != request.Place || !view.Knows(place.Layout)) yield break;
        var ring = view.RingOf(place.Layout);
        var merge = new LogMerge(request.Want
            .Where(wanted => request.Have[wanted.Origin] >= snapshot.LoggedAfter[wanted.Origin])
            .Select(wanted => new LogCursor(
                replica, request.Have[wanted.Origin], wanted with { Sequence = Math.Min(wanted.Sequence, snapshot.Vector[wanted.Origin]) }, record => ring.OwnerOf(record.Key.Position) == place.Shard)));
        while (merge.Next() is { } batch) yield return batch;
    }

    // Null when this node does not come to the peer's scope in time, or has left it: the peer comes again. One who fills this replica is greeted once a donor has told
    // from where on its writes are wanted.
    private async Task<(ReplicaSnapshot Snapshot, ReplicaGroup? Group)?> GreetedAsync(NodeIdentity from, BroadcastOpening opening, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.AnswerTimeout * 0.75, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            var view = await topology.WaitAsync(next => next.Epoch >= opening.Epoch, either.Token);
            // One that is not admitted yet has no place that anybody should send to.
            if (view.Scope != opening.Scope || !view.IsMember(self) || !view.IsMember(from)) return null;
            var group = view.ReplicatedBy(from.Address) is { } shard ? view.GroupOf(shard.Id) : default(ReplicaGroup?);
            var snapshot = await replica.Snapshot.WaitAsync(
                next => next.Followed >= view.Epoch && (group is not { } giving || !IsWaitingForCut(next, giving)), either.Token);
            return (snapshot, group);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    // A fill that begins, or begins anew, wants the broadcast from another cut on than the greeting told.
    private async Task UntilAnotherScopeAsync(NodeIdentity from, LayoutScope scope, ReplicaGroup? giving, FillSession? greeted, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var first = await Task.WhenAny(
            topology.WaitAsync(next => next.Scope != scope || !next.IsMember(from), either.Token).AsTask(),
            replica.Snapshot.WaitAsync(next => giving is { } group && IsFilledBy(next, group) && SessionOf(next) != greeted, either.Token).AsTask());
        either.Cancel();
        await first;
    }

    private static FillSession? SessionOf(ReplicaSnapshot snapshot) => snapshot.Fill is { } fill ? FillSession.Of(fill) : null;

    private static bool IsFilledBy(ReplicaSnapshot snapshot, ReplicaGroup giving) => snapshot.Fill is { } fill && !fill.IsAgain(snapshot.Place) && fill.Find(giving) is not null;

    private static bool IsWaitingForCut(ReplicaSnapshot snapshot, ReplicaGroup giving) => IsFilledBy(snapshot, giving) && snapshot.Fill!.Find(giving) is { Cut: null };

    private async Task TakeInAsync(NodeIdentity from, LayoutScope scope, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
    {
        var ahead = new Queue<Dot>();
        while (await stream.ReceiveAsync(cancellation) is { } batch)
        {
            if (batch.Passages.Count == 0) continue;
            await replica.DeliverAsync(batch.Passages, scope, from);
            ahead.Enqueue(batch.Passages[^1].Through);
            if (ahead.Count < options.MaxBatchesAhead) continue;
            var oldest = ahead.Dequeue();
            await replica.Snapshot.WaitAsync(snapshot => snapshot.Received.Covers(oldest), cancellation);
        }
    }

    private async Task AcknowledgeAsync(Incarnation from, VersionVector acknowledged, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
    {
        while (true)
        {
            var snapshot = await replica.Snapshot.WaitAsync(next => HasMore(next.Received, acknowledged, from), cancellation);
            var more = snapshot.Received.Without(acknowledged);
            acknowledged = snapshot.Received;
            await stream.SendAsync(new(self.Incarnation, more), cancellation);
        }
    }

    private static bool HasMore(VersionVector held, VersionVector acknowledged, Incarnation from)
    {
        for (var i = 0; i < held.Count; i++)
        {
            if (held[i].Origin.Incarnation == from && held[i].Sequence > acknowledged[held[i].Origin]) return true;
        }

        return false;
    }
}
