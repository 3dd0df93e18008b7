using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
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
/// Sole owner of this node's replica: clock, place, vector, fill, inbox and records change only in <see cref="RunAsync"/>, which drains a bounded mailbox into
/// group commits. The order is decide, persist, publish, answer: nobody is told of a write, and no peer is sent one, before it is durable.
/// Reads do not pass through the mailbox. When more is asked of it than it can do, or its disk is about to be full, clients' writes are refused; what peers have
/// acknowledged to their clients is only put off, and stays in their logs meanwhile.
/// </summary>
internal sealed partial class ReplicaState
{
    private readonly NodeIdentity _self;
    private readonly Published<ClusterTopology> _topology;
    private readonly IStorageEngine _storage;
    private readonly CausalTokenCodec _tokens;
    private readonly TimeProvider _time;
    private readonly ReplicaOptions _options;
    private readonly KvMetrics _metrics;
    private readonly ILogger<ReplicaState> _logger;
    private readonly Channel<WriterWork> _mailbox;
    private readonly HybridLogicalClock _clock;
    private readonly ArcSummaries _counts;
    private readonly QueueDelay _delay;
    private readonly Queue<WriterWork> _putOff = [];
    private CausalInbox _inbox = new();
    private LayoutScope _scope;
    private volatile bool _isOutOfRoom;
    private volatile VersionVector _forgotten;
    private StorageRoom _lastRoom = StorageRoom.Ample;

    public ReplicaState(
        NodeIdentity self,
        Published<ClusterTopology> topology,
        IStorageEngine storage,
        CausalTokenCodec tokens,
        TimeProvider time,
        ReplicaOptions options,
        KvMetrics metrics,
        ILogger<ReplicaState> logger)
    {
        _self = self;
        _topology = topology;
        _storage = storage;
        _tokens = tokens;
        _time = time;
        _options = options;
        _metrics = metrics;
        _logger = logger;
        _clock = new(storage.Checkpoint.Clock);
        _forgotten = storage.Checkpoint.Vector;
        _counts = new(storage);
        _delay = new(options.QueueTarget, options.QueueInterval, time);
        _mailbox = Channel.CreateBounded<WriterWork>(new BoundedChannelOptions(options.MailboxCapacity) { SingleReader = true });
        Snapshot = new(new(storage.Checkpoint, default, HybridTimestamp.Zero));
    }

    /// <summary>What this node is to do now; a node without a shard keeps nothing.</summary>
    public Placement Place => _topology.Current.PlaceOf(_self);

    /// <inheritdoc cref="IStorageEngine.Room"/>
    public StorageRoom Room => _storage.Room;

    /// <inheritdoc cref="IStorageEngine.LogBytes"/>
    public long LogBytes => _storage.LogBytes;

    /// <summary>What is durable here; a new version after every commit.</summary>
    public Published<ReplicaSnapshot> Snapshot { get; }

    /// <summary>
    /// Which deletions this replica may have forgotten, or never have had, because whoever filled it had forgotten them: none that this does not cover. What it did before the process began is not
    /// known. Says so before the deletion is gone.
    /// </summary>
    public VersionVector ForgottenUpTo => _forgotten;

    /// <summary>
    /// The winner of a key, a tombstone included, or null. Covers at least what <see cref="Snapshot"/> said before the call; of a key that is not of the
    /// snapshot's place it says nothing, so whoever reads looks afterwards whether that place is still the one it meant. Throws <see cref="OperationCanceledException"/> when the storage
    /// fails: the node stops then.
    /// </summary>
    public WriteRecord? Read(Key key)
    {
        try
        {
            return _storage.Read(key);
        }
        catch (StorageFailedException failed)
        {
            // Whoever runs the node has heard of it and stops it. For the reader that is all there is to say: nothing is known of what may be there.
            throw new OperationCanceledException("The node is stopping.", failed);
        }
    }

    /// <summary>A pass over the records of a ring range; see <see cref="IStorageEngine.Scan"/>.</summary>
    public IEnumerable<WriteRecord> Scan(RingRange range) => _storage.Scan(range);

    /// <summary>
    /// Everything after a key in ring order, or all of it; see <see cref="IStorageEngine.ScanAfter"/>. As with <see cref="Read"/>, whoever reads looks afterwards whether the place is still the
    /// one it meant, and a storage that fails is a node that stops.
    /// </summary>
    public IEnumerable<WriteRecord> ReadAfter(Key? key)
    {
        using var records = (key is { } after ? _storage.ScanAfter(after) : _storage.Scan(RingRange.Whole)).GetEnumerator();
        while (MoveNext(records)) yield return records.Current;

        static bool MoveNext(IEnumerator<WriteRecord> records)
        {
            try
            {
                return records.MoveNext();
            }
            catch (StorageFailedException failed)
            {
                throw new OperationCanceledException("The node is stopping.", failed);
            }
        }
    }

    /// <summary>What is durable here now, kept in reach; see <see cref="IStorageEngine.TakeSnapshot"/>.</summary>
    public IStorageSnapshot TakeStorageSnapshot() => _storage.TakeSnapshot();

    /// <summary>This replica's log of one origin; see <see cref="IStorageEngine.ReadLog"/>.</summary>
    public LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes) => _storage.ReadLog(origin, after, through, maxRecords, maxBytes);

    /// <summary>
    /// Coordinates a write; completes when it is durable here, or with the reason why nothing was written. Does not wait for a place in the mailbox, so what peers send
    /// always comes next.
    /// </summary>
    public ValueTask<CommitResult> CommitAsync(LocalWrite write) => KvTracing.IsOn ? CommitTracedAsync(write) : CommitAsync(new WriterWork.Local(write, _delay.Now));

    private async ValueTask<CommitResult> CommitTracedAsync(LocalWrite write)
    {
        using var span = KvTracing.Commit();
        var work = new WriterWork.Local(write, _delay.Now) { Trace = span?.Context ?? default };
        var result = await CommitAsync(work);
        if (work.GroupCommit != default) span?.AddLink(new(work.GroupCommit));
        return result;
    }

    private ValueTask<CommitResult> CommitAsync(WriterWork.Local work)
    {
        if (_isOutOfRoom) return new(CommitResult.DiskFull.Instance);
        if (_delay.IsStanding) return new(CommitResult.Overloaded.Instance);
        if (_mailbox.Writer.TryWrite(work)) return new(work.Answer);
        // Full, or closed by a writer that has ended.
        return _mailbox.Reader.Completion.IsCompleted ? throw new OperationCanceledException("The node is stopping.") : new(CommitResult.Overloaded.Instance);
    }

    /// <summary>
    /// Takes in passages from a peer, in any order and any number of times; completes when they are queued. <see cref="Snapshot"/> tells when they are
    /// durable. One that comes before its causal past waits inside, so callers bound how many they hand in ahead of the vector.
    /// </summary>
    /// <param name="scope">The layout and reshard by which the sender chose what to send; in any other one it is dropped.</param>
    /// <param name="sender">Who broadcasts them: no member any more, its word counts for nothing. Null for what was asked for.</param>
    public ValueTask DeliverAsync(IReadOnlyList<Passage> passages, LayoutScope scope, NodeIdentity? sender = null) => EnqueueAsync(new WriterWork.Delivered(passages, scope, sender));

    /// <summary>What a donor holds of a source group before it scans. False, here and below, when the session is not the current one any more.</summary>
    public ValueTask<bool> TakeCutAsync(FillSession session, ReplicaGroup source, VersionVector cut) => FillAsync(session, step => step.TakeCut(source, cut));

    /// <summary>Records that a donor scanned; completes when they are durable.</summary>
    public ValueTask<bool> TransferAsync(FillSession session, IReadOnlyList<WriteRecord> records) => FillAsync(session, step =>
    {
        foreach (var record in records) step.Transfer(record);
    });

    /// <summary>
    /// Forgets records that a donor, who held <paramref name="cut"/>, has no more: those that the cut covers, as long as they are what they were. How many; null when the session
    /// is not the current one.
    /// </summary>
    public async ValueTask<int?> DropAsync(FillSession session, VersionVector cut, IReadOnlyList<(Key Key, Dot Dot)> records) =>
        await DoAsync(new WriterWork.Asked<int?>(step => step.IsCurrent(session) ? step.Drop(cut, records) : null));

    /// <summary>
    /// Takes in what another member of <paramref name="place"/> has and this replica lacks although its vector covers it (<see cref="ReplicaStep.Regain"/>); null when something was forgotten
    /// here since <paramref name="before"/>: what the other one had by then may be what was deleted.
    /// </summary>
    public async ValueTask<IReadOnlyList<WriteRecord>?> RegainAsync(ReplicaGroup place, ReplicaSnapshot before, IReadOnlyList<WriteRecord> records) =>
        await DoAsync(new WriterWork.Asked<IReadOnlyList<WriteRecord>?>(step =>
            Snapshot.Current.Forgotten == before.Forgotten && step.Forgotten == 0 ? step.Regain(place, records) : null));

    /// <summary>Has an arc come to what a scan of it gives; false when that was something else.</summary>
    public async ValueTask<bool> RecountAsync(int arc) =>
        await DoAsync(new WriterWork.Asked<bool>(step => step.Recount(arc, ArcSummary.Of(_storage.Scan(HashRing.RangeOfArc(arc))))));

    /// <summary>What these arcs come to, at some moment after the call.</summary>
    public async ValueTask<IReadOnlyDictionary<int, ArcSummary>> SummarizeAsync(IReadOnlyCollection<int> arcs) =>
        await DoAsync(new WriterWork.Asked<IReadOnlyDictionary<int, ArcSummary>>(step => arcs.Distinct().ToDictionary(arc => arc, step.Summary)));

    /// <summary>Everything from that source was transferred.</summary>
    public ValueTask<bool> FinishSourceAsync(FillSession session, ReplicaGroup source) => FillAsync(session, step => step.FinishSource(source));

    /// <summary>Nobody can go on where the fill has come to: it begins anew, as another session.</summary>
    public ValueTask<bool> FillAnewAsync(FillSession session) => FillAsync(session, step => step.FillAnew());

    /// <summary>The fill holds all that the members of its sources held in the epoch that knows of it.</summary>
    public ValueTask<bool> CompleteFillAsync(FillSession session) => FillAsync(session, step => step.CompleteFill());

    /// <summary>The replica holds all that its group held.</summary>
    public async ValueTask MarkCompleteAsync(ReplicaGroup place) => await DoAsync(new WriterWork.Asked<bool>(step =>
    {
        step.MarkComplete(place);
        return true;
    }));

    /// <summary>What the others' logs do not reach back to is to be pulled once more, for the place that the replica has.</summary>
    public async ValueTask BeginAgainAsync(ReplicaGroup place) => await DoAsync(new WriterWork.Asked<bool>(step =>
    {
        step.BeginAgain(place);
        return true;
    }));

    /// <summary>
    /// Trims the log of what <paramref name="upTo"/> covers, as far as it may go (<see cref="ReplicaStep.TrimLog"/>). First the checkpoint says that it is not there, then it goes.
    /// </summary>
    public async ValueTask TrimLogAsync(VersionVector upTo, Epoch judgedBy) => await DoAsync(new WriterWork.Asked<bool>(step => step.TrimLog(upTo, judgedBy)));

    /// <summary>Forgets deletions of which everybody knows by the topology of that epoch (<see cref="ReplicaStep.Collect"/>); says how many.</summary>
    public async ValueTask<int> CollectAsync(IReadOnlyList<(Key Key, Dot Dot)> tombstones, Epoch judgedBy) =>
        await DoAsync(new WriterWork.Asked<int>(step => step.Collect(tombstones, judgedBy)));

    /// <summary>Merges another clock's reading: whatever is written here is later, or in <see cref="Snapshot"/> when this completes. False when it is too far ahead for that.</summary>
    public ValueTask<bool> MeetAsync(HybridTimestamp clock) => clock <= Snapshot.Current.Clock ? new(true) : DoAsync(new WriterWork.Asked<bool>(step => step.Meet(clock)));

    /// <summary>Nobody needs this replica's log of an ended group any more.</summary>
    public async ValueTask ForgetFormerAsync(ReplicaGroup group) => await DoAsync(new WriterWork.Asked<bool>(step =>
    {
        step.ForgetFormer(group);
        return true;
    }));

    /// <summary>
    /// Own writes are sent only when durable here, so no peer can hold one that this node lacks, unless the data directory went back in time. To write
    /// on would give the same dots to other writes: throws <see cref="StorageDamagedException"/> then, and the node must stop.
    /// </summary>
    public void RefuseOldCopy(NodeAddress holder, VersionVector held)
    {
        // The storage's word, not the snapshot's: a peer may hold what was committed a moment ago and is not published yet.
        var checkpoint = _storage.Checkpoint;
        if (checkpoint.Place is not { } place) return;
        var own = new Origin(_self.Incarnation, place);
        if (held[own] <= checkpoint.Vector[own]) return;
        throw new StorageDamagedException($"{holder} holds write {held[own]} of this incarnation, and the data directory only {checkpoint.Vector[own]}: it is an older copy.");
    }

    /// <summary>The writer. Throws <see cref="StorageFailedException"/> when the disk fails: the node must stop then.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var following = FollowTopologyAsync(ending.Token);
        var work = new List<WriterWork>();
        try
        {
            do
            {
                await UntilThereIsRoomAsync(cancellation);
                await CommitWhatIsQueuedAsync(work);
                work.Clear();
            }
            while (_putOff.Count > 0 || HasFallenBehind() || await _mailbox.Reader.WaitToReadAsync(cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            _mailbox.Writer.TryComplete();
            foreach (var item in work.Concat(_putOff)) item.Cancel();
            while (_mailbox.Reader.TryRead(out var item)) item.Cancel();
            ending.Cancel();
            await following;
        }
    }

    // A change while the last batch was drained: that took the reason to look along, and went by the topology before.
    private bool HasFallenBehind() => _topology.Current.Epoch != Snapshot.Current.Followed;

    // A change of the topology is work for the writer, whether or not somebody writes.
    private async Task FollowTopologyAsync(CancellationToken cancellation)
    {
        try
        {
            for (var view = _topology.Current; ; view = await _topology.WaitAsync(next => !ReferenceEquals(next, view), cancellation))
                await _mailbox.Writer.WriteAsync(WriterWork.Nothing, cancellation);
        }
        catch (Exception stopping) when (stopping is OperationCanceledException or ChannelClosedException)
        {
        }
    }

    private async ValueTask<bool> FillAsync(FillSession session, Action<ReplicaStep> change) => await DoAsync(new WriterWork.Asked<bool>(step =>
    {
        if (!step.IsCurrent(session)) return false;
        change(step);
        return true;
    }));

    private ValueTask<T> DoAsync<T>(WriterWork.Asked<T> work) => _mailbox.Writer.TryWrite(work) ? new(work.Answer) : DoWhenThereIsRoomAsync(work);

    private async ValueTask<T> DoWhenThereIsRoomAsync<T>(WriterWork.Asked<T> work)
    {
        await EnqueueAsync(work);
        return await work.Answer;
    }

    // The writer closes its mailbox when it ends: whoever comes then is told as those are who wait in it.
    private async ValueTask EnqueueAsync(WriterWork work)
    {
        try
        {
            await _mailbox.Writer.WriteAsync(work);
        }
        catch (ChannelClosedException)
        {
            throw new OperationCanceledException("The node is stopping.");
        }
    }

    // Clients hear at once that there is no room. The rest is put off, up to as much as the mailbox holds: then it fills, and those who send wait as well.
    private async ValueTask UntilThereIsRoomAsync(CancellationToken cancellation)
    {
        while (LookAtRoom() is StorageRoom.None)
        {
            _isOutOfRoom = true;
            while (_putOff.Count < _options.MailboxCapacity && _mailbox.Reader.TryRead(out var work))
            {
                if (work is WriterWork.Local local) local.Refuse(CommitResult.DiskFull.Instance);
                else _putOff.Enqueue(work);
            }

            await Task.Delay(_options.RoomInterval, _time, cancellation);
        }

        _isOutOfRoom = false;
    }

    // The writer's: what is told about is what it acts on.
    private StorageRoom LookAtRoom()
    {
        var room = _storage.Room;
        if (room == _lastRoom) return room;
        _lastRoom = room;
        if (room is StorageRoom.Ample) LogAmple(_logger);
        else if (room is StorageRoom.Reserve) LogReserve(_logger);
        else LogNoRoom(_logger);
        return room;
    }

    private bool TryTake(StorageRoom room, [NotNullWhen(true)] out WriterWork? work)
    {
        while (_putOff.TryDequeue(out work) || _mailbox.Reader.TryRead(out work))
        {
            if (work is not WriterWork.Local local) return true;
            _delay.Taken(local.Since);
            if (room is StorageRoom.Ample) return true;
            local.Refuse(CommitResult.DiskFull.Instance);
        }

        _delay.Emptied();
        return false;
    }

    private async ValueTask CommitWhatIsQueuedAsync(List<WriterWork> queued)
    {
        // 1. Decide: everything that queued up while the last batch was synced, up to the bound.
        var before = Snapshot.Current;
        var topology = _topology.Current;
        if (topology.Scope != _scope) (_scope, _inbox) = (topology.Scope, new());
        var step = new ReplicaStep(_self, topology, before.Checkpoint, _clock, _inbox, _counts, _tokens, _storage.Read, NowMs());
        var room = LookAtRoom();
        while (step.Count < _options.MaxGroupCommit && step.Bytes < _options.MaxGroupCommitBytes && TryTake(room, out var work))
        {
            queued.Add(work);
            work.Apply(step, _scope);
        }

        // 2. Persist.
        var checkpoint = before.Checkpoint;
        if (!step.IsEmpty)
        {
            var batch = step.ToBatch();
            _forgotten = step.ForgottenUpTo(_forgotten, batch.Checkpoint);
            using (var span = KvTracing.IsOn ? BeginGroupCommit(queued, batch.Log.Count) : null) await _storage.CommitAsync(batch);
            _metrics.GroupCommitted(batch.Log.Count);
            if (step.Trimmed is { } trimmed) await _storage.TrimLogAsync(trimmed);
            checkpoint = batch.Checkpoint;
        }

        // 3. Publish: from here on readers, replicators and waiters see it.
        if (!step.IsEmpty || topology.Epoch != before.Followed)
            Snapshot.Publish(new(checkpoint, topology.Epoch, HybridTimestamp.Max(before.UnmergedStamp, step.UnmergedStamp)) { Held = _counts.Held, Forgotten = before.Forgotten + step.Forgotten });

        // 4. Answer.
        foreach (var work in queued) work.Complete();
    }

    private static Activity? BeginGroupCommit(List<WriterWork> queued, int records)
    {
        var traced = queued.OfType<WriterWork.Local>().Where(work => work.Trace != default).ToList();
        var span = KvTracing.GroupCommit(traced.Select(work => work.Trace))?.SetTag("kv.records", records);
        foreach (var work in traced) work.GroupCommit = span?.Context ?? default;
        return span;
    }

    [LoggerMessage(2900, LogLevel.Information, "The disk has room again: writes are taken in")]
    private static partial void LogAmple(ILogger logger);

    [LoggerMessage(2901, LogLevel.Warning, "The disk is nearly full: clients' writes are refused (507) until there is room; reads go on, and what peers wrote is taken in")]
    private static partial void LogReserve(ILogger logger);

    [LoggerMessage(2902, LogLevel.Warning, "The disk is full: nothing is taken in, from peers neither, until there is room; reads go on")]
    private static partial void LogNoRoom(ILogger logger);

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
