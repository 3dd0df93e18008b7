using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Storage;

namespace Kv.Node.Backup;

/// <summary>
/// The giving side of a backup: keeps a snapshot of this replica as long as the stream lasts, and sends it as fast as it is taken. Nothing of it passes through the writer.
/// </summary>
internal sealed class BackupDonor(
    NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, IMissingRecords missingRecords, LogHolds holds, BackupRoom room, TimeProvider time, BackupOptions options, RequestOptions requests)
{
    private const int PieceEntries = 512;
    private const int PieceBytes = 256 << 10;

    private readonly Bound _snapshots = new(options.MaxSnapshots);

    /// <summary>How many snapshots are kept.</summary>
    public long Snapshots => _snapshots.Used;

    /// <summary>True when this replica can give a part of that group's.</summary>
    public bool CanGive(ReplicaGroup source) => !_snapshots.IsFull && replica.Room is StorageRoom.Ample && IsWhole(replica.Snapshot.Current, source);

    /// <summary>
    /// Serves one backup: 1. say what is here, 2. take a snapshot, 3. add what is as old as the others' snapshots, 4. add more, 5. send it. Throws <see cref="BackupRefusedException"/> when this replica cannot give it, or not now, or has no room for it any longer.
    /// </summary>
    public Task ServeAsync(BackupRequest? first, IPeerStream<BackupPiece, BackupRequest> stream, CancellationToken cancellation) =>
        room.WhileThereIsRoomAsync(end => ConverseAsync(first, stream, end), Refused("has no room on its disk to keep a snapshot any longer").Message, cancellation);

    private async Task ConverseAsync(BackupRequest? first, IPeerStream<BackupPiece, BackupRequest> stream, CancellationToken cancellation)
    {
        // 1.
        if (first is not BackupRequest.Open open) throw Refused("was not asked in order");
        using var place = Place.Of(_snapshots);
        if (!place.IsHeld) throw Refused($"keeps {options.MaxSnapshots} snapshots for backups already");
        using var hold = holds.Take();
        var opened = await UntilAsync(
            next => next.Followed >= open.Epoch && (IsWhole(next, open.Source) || topology.Current.Layout > open.Source.Layout), VersionVector.Empty, "is no complete replica of that shard", cancellation);
        if (!IsWhole(opened, open.Source)) throw Refused("has moved on from that shard");
        hold.KeepAfter(opened.Vector);
        await stream.SendAsync(new BackupPiece.Opened(opened.Vector), cancellation);

        // 2.
        if (await stream.ReceiveAsync(cancellation) is not BackupRequest.Pin pin) throw Refused("was not asked in order");
        await UntilAsync(next => !IsWhole(next, open.Source) || next.Vector.Covers(pin.Have), pin.Have, "lacks what other replicas hold", cancellation);
        using var snapshot = replica.TakeStorageSnapshot();
        if (!IsWhole(snapshot.Checkpoint, open.Source)) throw Refused("has moved on from that shard");
        var part = new BackupPartSource(open.Source, topology.Current.RingOf(open.Source.Layout), snapshot);
        var clock = HybridTimestamp.Max(snapshot.Checkpoint.Clock, replica.Snapshot.Current.UnmergedStamp);
        await TellAsync(DependenciesOf(LogTail.Read(replica, opened.Vector, part.Vector)));

        // 3.
        if (await stream.ReceiveAsync(cancellation) is not BackupRequest.Settle settle) throw Refused("was not asked in order");
        var known = part.Vector.Join(settle.Known);
        var settled = await UntilAsync(next => next.Place != open.Source || next.Vector.Covers(known), known, "lacks what other replicas hold", cancellation);
        var held = topology.Current.Concerning(open.Source, settled.Vector);
        if (LogTail.ReadUpTo(replica, known, held, settle.Stamp).Records.Count > 0) throw Refused("was told of a write that is older than the snapshots, by a replica that had not answered");
        var (older, through) = LogTail.ReadUpTo(replica, part.Vector, known, settle.Stamp);
        await TellAsync(part.Include(older, through));

        // 4.
        var request = await stream.ReceiveAsync(cancellation);
        for (; request is BackupRequest.Include include; request = await stream.ReceiveAsync(cancellation))
        {
            await UntilAsync(next => next.Place != open.Source || next.Vector.Covers(include.Through), include.Through, "lacks what other shards' writes depend on", cancellation);
            await TellAsync(part.Include(LogTail.Read(replica, part.Vector, include.Through), include.Through));
        }

        // 5.
        hold.Dispose();
        if (request is BackupRequest.Scan scan) await SendAsync(part, scan, settle.Stamp, stream, cancellation);

        ValueTask TellAsync(VersionVector dependencies)
        {
            if (replica.Snapshot.Current.Place != open.Source) throw Refused("has moved on from that shard");
            return stream.SendAsync(new BackupPiece.Held(part.Vector, dependencies, part.LiveKeys, clock), cancellation);
        }
    }

    private async Task SendAsync(BackupPartSource part, BackupRequest.Scan scan, HybridTimestamp latest, IPeerStream<BackupPiece, BackupRequest> stream, CancellationToken cancellation)
    {
        var (content, entries, bytes, read) = (default(ContentDigest), new List<BackupEntry>(), 0, 0);
        var said = time.GetTimestamp();
        foreach (var record in part.Scan(topology.Current, scan.Parts, latest))
        {
            // A reader of everything must not keep its thread from those who have less to do.
            if (++read % PieceEntries == 0)
            {
                cancellation.ThrowIfCancellationRequested();
                await Task.Yield();
                // Of deletions, and where only the digest is asked for, there is nothing to send for long: it is not to be taken for one that stands still.
                if (time.GetElapsedTime(said) >= options.AnswerTimeout) await FlushAsync();
            }

            if (record.IsTombstone) continue;
            content = content.With(record.Key, record.Value.Span);
            if (scan.DigestOnly) continue;
            entries.Add(new(record.Key, record.Value, record.Stamp));
            bytes += entries[^1].Size;
            if (entries.Count >= PieceEntries || bytes >= PieceBytes) await FlushAsync();
        }

        if (entries.Count > 0) await FlushAsync();
        await stream.SendAsync(new BackupPiece.End(content), cancellation);

        async ValueTask FlushAsync()
        {
            await stream.SendAsync(new BackupPiece.Entries(entries), cancellation);
            (entries, bytes, said) = ([], 0, time.GetTimestamp());
        }
    }

    private static VersionVector DependenciesOf(IEnumerable<WriteRecord> records) =>
        records.Aggregate(VersionVector.Empty, (joined, record) => joined.Join(record.OpenedToken.Dependencies));

    private static bool IsWhole(ReplicaSnapshot snapshot, ReplicaGroup source) => IsWhole(snapshot.Checkpoint, source);

    // One that pulls its own place once more may have what its vector does not tell of.
    private static bool IsWhole(ReplicaCheckpoint checkpoint, ReplicaGroup source) =>
        checkpoint.Place == source && checkpoint.IsComplete && checkpoint.Fill?.IsAgain(checkpoint.Place) != true;

    // As a read waits for its token's past: for a moment for what is on its way, and then for what is asked for.
    private async Task<ReplicaSnapshot> UntilAsync(Func<ReplicaSnapshot, bool> condition, VersionVector wanted, string complaint, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.AnswerTimeout, time);
        using var asking = new CancellationTokenSource(requests.AskAfter, time);
        using var ask = asking.Token.Register(() =>
        {
            if (!wanted.IsEmpty) missingRecords.Ask(wanted.Without(replica.Snapshot.Current.Vector));
        });
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return await replica.Snapshot.WaitAsync(condition, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Refused(complaint);
        }
    }

    private BackupRefusedException Refused(string reason) => new($"{self.Address} {reason}.");
}
