using System.Threading.Channels;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Telemetry;

namespace Kv.Node.Replica;

/// <summary>
/// Sole owner of this node's replica: clock, vector, inbox and records change only in <see cref="RunAsync"/>, which drains a bounded mailbox into
/// group commits. The order is decide, persist, publish, answer: nobody is told of a write, and no peer is sent one, before it is durable.
/// Reads do not pass through the mailbox.
/// </summary>
internal sealed class ReplicaState
{
    private readonly NodeIdentity _self;
    private readonly Published<ClusterTopology> _topology;
    private readonly IStorageEngine _storage;
    private readonly CausalTokenCodec _tokens;
    private readonly TimeProvider _time;
    private readonly ReplicaOptions _options;
    private readonly KvMetrics _metrics;
    private readonly Channel<MailboxItem> _mailbox;
    private readonly HybridLogicalClock _clock;
    private CausalInbox? _inbox;

    public ReplicaState(
        NodeIdentity self,
        Published<ClusterTopology> topology,
        IStorageEngine storage,
        CausalTokenCodec tokens,
        TimeProvider time,
        ReplicaOptions options,
        KvMetrics metrics)
    {
        _self = self;
        _topology = topology;
        _storage = storage;
        _tokens = tokens;
        _time = time;
        _options = options;
        _metrics = metrics;
        var checkpoint = storage.Checkpoint;
        _clock = new(checkpoint.Clock);
        _mailbox = Channel.CreateBounded<MailboxItem>(new BoundedChannelOptions(options.MailboxCapacity) { SingleReader = true });
        Snapshot = new(new(checkpoint.Vector, checkpoint.LiveKeys, checkpoint.Clock, HybridTimestamp.Zero));
    }

    /// <summary>What this node is to do now; a node without a shard keeps nothing.</summary>
    public Placement Place => _topology.Current.PlaceOf(_self);

    /// <summary>What is durable here; a new version after every commit.</summary>
    public Published<ReplicaSnapshot> Snapshot { get; }

    /// <summary>The winner of a key, a tombstone included, or null. Covers at least what <see cref="Snapshot"/> said before the call.</summary>
    public WriteRecord? Read(Key key) => _storage.Read(key);

    /// <summary>This replica's log of one incarnation; see <see cref="IStorageEngine.ReadLog"/>.</summary>
    public IReadOnlyList<WriteRecord> ReadLog(Incarnation origin, ulong after, int maxRecords, int maxBytes) =>
        _storage.ReadLog(origin, after, maxRecords, maxBytes);

    /// <summary>Coordinates a write; completes when it is durable here, or with the reason why nothing was written.</summary>
    public ValueTask<CommitResult> CommitAsync(LocalWrite write)
    {
        var pending = new PendingWrite(write);
        return _mailbox.Writer.TryWrite(new(pending, null)) ? new(pending.Completion.Task) : CommitWhenThereIsRoomAsync(pending);
    }

    /// <summary>
    /// Takes in records from a peer, in any order and any number of times; completes when they are queued. <see cref="Snapshot"/> tells when they are
    /// durable. A record that comes before its causal past waits inside, so callers bound how many they hand in ahead of the vector.
    /// </summary>
    public ValueTask DeliverAsync(IReadOnlyList<WriteRecord> records) => _mailbox.Writer.WriteAsync(new(null, records));

    /// <summary>
    /// Own writes are sent only when durable here, so no peer can hold one that this node lacks, unless the data directory went back in time. To write
    /// on would give the same dots to other writes: throws <see cref="StorageFailedException"/> then, and the node must stop.
    /// </summary>
    public void RefuseOldCopy(NodeAddress holder, VersionVector held)
    {
        // The storage's word, not the snapshot's: a peer may hold what was committed a moment ago and is not published yet.
        var own = _storage.Checkpoint.Vector[_self.Incarnation];
        if (held[_self.Incarnation] <= own) return;
        throw new StorageFailedException(
            $"{holder} holds write {held[_self.Incarnation]} of this incarnation, and the data directory only {own}: it is an older copy. Remove it, and this node rejoins as a new one.");
    }

    /// <summary>The writer. Throws <see cref="StorageFailedException"/> when the disk fails: the node must stop then.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var items = new List<MailboxItem>();
        try
        {
            while (await _mailbox.Reader.WaitToReadAsync(cancellation))
            {
                await CommitWhatIsQueuedAsync(items);
                items.Clear();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            _mailbox.Writer.TryComplete();
            foreach (var item in items) item.Write?.Completion.TrySetCanceled(CancellationToken.None);
            while (_mailbox.Reader.TryRead(out var item)) item.Write?.Completion.TrySetCanceled(CancellationToken.None);
        }
    }

    private async ValueTask<CommitResult> CommitWhenThereIsRoomAsync(PendingWrite pending)
    {
        await _mailbox.Writer.WriteAsync(new(pending, null));
        return await pending.Completion.Task;
    }

    private async ValueTask CommitWhatIsQueuedAsync(List<MailboxItem> items)
    {
        // 1. Decide: everything that queued up while the last batch was synced, up to the bound.
        var before = Snapshot.Current;
        var topology = _topology.Current;
        var step = new ReplicaStep(
            _self, topology, new(before.Vector, before.Clock, before.LiveKeys), _clock, InboxFor(topology), _tokens, _storage.Read, NowMs());
        while (step.Count < _options.MaxGroupCommit && _mailbox.Reader.TryRead(out var item))
        {
            items.Add(item);
            if (item.Write is { } pending) pending.Result = step.Apply(pending.Write);
            foreach (var record in item.Delivered ?? []) step.Deliver(record);
        }

        // 2. Persist.
        if (!step.IsEmpty)
        {
            var batch = step.ToBatch();
            await _storage.CommitAsync(batch);
            _metrics.GroupCommitted(batch.Log.Count);

            // 3. Publish: from here on readers, replicators and waiters see it.
            var checkpoint = batch.Checkpoint;
            Snapshot.Publish(new(checkpoint.Vector, checkpoint.LiveKeys, checkpoint.Clock, HybridTimestamp.Max(before.UnmergedStamp, step.UnmergedStamp)));
        }

        // 4. Answer.
        foreach (var item in items) item.Write?.Completion.TrySetResult(item.Write.Result!);
    }

    private CausalInbox? InboxFor(ClusterTopology topology)
    {
        if (topology.PlaceOf(_self).Shard?.Id is not { } shard) return _inbox = null;
        return _inbox?.Shard == shard ? _inbox : _inbox = new(shard);
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Either a local write that somebody waits for, or delivered records.</summary>
    private readonly record struct MailboxItem(PendingWrite? Write, IReadOnlyList<WriteRecord>? Delivered);

    private sealed class PendingWrite(LocalWrite write)
    {
        public LocalWrite Write => write;

        public TaskCompletionSource<CommitResult> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CommitResult? Result { get; set; }
    }
}
