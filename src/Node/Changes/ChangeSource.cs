using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Signals;

namespace Kv.Node.Changes;

/// <summary>
/// What this node's replica has to tell a feed, here or on another node. Keeps nothing of those who ask: the log is the queue, and where it was trimmed, the data are. Only while a scan is
/// open, the log is kept for whoever reads on there.
/// </summary>
internal sealed class ChangeSource(
    NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, LogHolds holds, ChangeScanner scanner, TimeProvider time, ChangesOptions options)
{
    /// <summary>
    /// 1. Wait until the replica is what it is asked as, and holds what was passed on; the latter not for long. 2. Read the log. 3. Look whether that could be relied on: who has
    /// moved on has dropped records, and the log may have been trimmed, and deletions forgotten then.
    /// </summary>
    public async ValueTask<ChangeAnswer> AnswerAsync(ChangeQuestion question, CancellationToken cancellation)
    {
        // 1.
        if (await ReadyAsync(question.Epoch, question.Group, question.Wait is null ? question.Passed : VersionVector.Empty, cancellation) is not { } snapshot) return NotHere();
        if (question.Wait is { } wait) return await WhenThereIsMoreAsync(question, wait, cancellation);

        // 2.
        var view = topology.Current;
        var cut = view.Concerning(question.Group, snapshot.Vector);
        var passed = cut.Covers(question.Passed) ? question.Passed : question.Passed.Meet(cut);
        var unread = cut.Without(passed);
        if (unread.Any(dot => passed[dot.Origin] < snapshot.LoggedAfter[dot.Origin])) return BeyondLog(view, question.Group, passed);
        var ring = view.RingOf(question.Group.Layout);
        var isForgotten = false;
        var merge = new LogMerge(unread.Select(dot => new LogCursor(replica, passed[dot.Origin], dot, IsNews, question.MaxBytes)), question.MaxBytes);
        var batch = merge.Next();

        // 3.
        if (!IsStill(question.Group)) return NotHere();
        if (merge.IsBroken || isForgotten) return BeyondLog(view, question.Group, passed);
        return new ChangeAnswer.Told(new(cut, batch?.Passages ?? [], !merge.HasMore));

        // What lost against a write that was passed on before is no news. Against one that is still to come it is: who depends on it comes before that one.
        bool IsNews(WriteRecord record)
        {
            if (!record.Key.Utf8.Span.StartsWith(question.Prefix.Span) || ring.OwnerOf(record.Key.Position) != question.Group.Shard) return false;
            // What the log has is remembered, a deletion too: it was trimmed since.
            if (replica.Read(record.Key) is not { } winner) isForgotten = true;
            else return winner.Dot == record.Dot || !passed.Covers(winner.Dot);
            return false;
        }
    }

    /// <summary>
    /// The same from the data; ends without <see cref="ChangePiece.End"/> when another replica is to be asked. After that one the log is kept from the cut on, for as long as the enumeration is left
    /// open; it ends when that becomes too much.
    /// </summary>
    public async IAsyncEnumerable<ChangePiece> ScanAsync(ChangeScan scan, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var hold = holds.Take();
        if (await ReadyAsync(scan.Epoch, scan.Group, scan.Passed, cancellation) is not { } snapshot) yield break;
        var view = topology.Current;
        var cut = view.Concerning(scan.Group, snapshot.Vector);
        var passed = cut.Covers(scan.Passed) ? scan.Passed : scan.Passed.Meet(cut);
        hold.KeepAfter(cut);
        yield return new ChangePiece.Cut(cut);
        await foreach (var records in scanner.ScanAsync(view.RingOf(scan.Group.Layout), scan.Group.Shard, record => IsAsked(record, scan, passed), cancellation))
            yield return new ChangePiece.Records(records);
        if (!IsStill(scan.Group)) yield break;
        yield return new ChangePiece.End(!scan.IsAll && IsForgotten(view, scan.Group, passed));
        await hold.GivenUp.WaitAsync(cancellation);
    }

    private async ValueTask<ChangeAnswer> WhenThereIsMoreAsync(ChangeQuestion question, TimeSpan wait, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            await replica.Snapshot.WaitAsync(next => next.Place != question.Group || HasMore(next.Vector, question), either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }

        var snapshot = replica.Snapshot.Current;
        return snapshot.Place == question.Group && IsStill(question.Group) ? new ChangeAnswer.Told(new(topology.Current.Concerning(question.Group, snapshot.Vector), [], false)) : NotHere();
    }

    // Null when the replica is not, or not soon, what it is asked as.
    private async ValueTask<ReplicaSnapshot?> ReadyAsync(Epoch epoch, ReplicaGroup group, VersionVector passed, CancellationToken cancellation)
    {
        var snapshot = replica.Snapshot.Current;
        if (!IsReady(snapshot))
        {
            using var patience = new CancellationTokenSource(options.CatchUpWait, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
            try
            {
                snapshot = await replica.Snapshot.WaitAsync(IsReady, either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                snapshot = replica.Snapshot.Current;
            }
        }

        // Only a member holds what tokens leave out because it is everywhere.
        return snapshot.Followed >= epoch && snapshot.Place == group && snapshot.IsComplete && IsStill(group) && topology.Current.PlaceOf(self).Serves(group.Shard) ? snapshot : null;

        bool IsReady(ReplicaSnapshot next) => next.Followed >= epoch && (next.Place != group || next.Vector.Covers(passed));
    }

    private bool HasMore(VersionVector vector, ChangeQuestion question)
    {
        for (var i = 0; i < vector.Count; i++)
        {
            if (!question.Passed.Covers(vector[i]) && topology.Current.Concerns(vector[i].Origin.Group, question.Group)) return true;
        }

        return false;
    }

    private static bool IsAsked(WriteRecord record, ChangeScan scan, VersionVector passed) =>
        record.Key.Utf8.Span.StartsWith(scan.Prefix.Span) && !(scan.IsAll ? record.IsTombstone : passed.Covers(record.Dot));

    private ChangeAnswer.BeyondLog BeyondLog(ClusterTopology view, ReplicaGroup group, VersionVector passed) => new(IsForgotten(view, group, passed));

    private bool IsForgotten(ClusterTopology view, ReplicaGroup group, VersionVector passed) => !passed.Covers(view.Concerning(group, replica.ForgottenUpTo));

    private ChangeAnswer.NotHere NotHere() => new(topology.Current.Epoch);

    // The writer gives ranges up only after the topology that says so was published.
    private bool IsStill(ReplicaGroup group) => topology.Current.Layout == group.Layout && replica.Snapshot.Current.Place == group;
}
