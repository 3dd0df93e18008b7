using System.Runtime.CompilerServices;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;

namespace Kv.Node.Changes;

/// <summary>Asks one replica of a shard after the other until one answers, the one that answered last first. Used by one feed.</summary>
internal sealed class ShardReplicas(
    ReplicaGroup group,
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ChangeSource own,
    IChangePeers peers,
    TimeProvider time,
    Random random,
    ChangesOptions options)
{
    private NodeAddress? _last;

    /// <summary>Null when nobody answers who is of the group. Of those beyond whose log the question reaches, one that remembers the deletions is preferred.</summary>
    public async ValueTask<ChangeAnswer?> AskAsync(ChangeQuestion question, CancellationToken cancellation)
    {
        ChangeAnswer.BeyondLog? beyond = null;
        foreach (var member in Candidates())
        {
            switch (await AskAsync(member, question, cancellation))
            {
                case ChangeAnswer.Told told:
                    _last = member;
                    return told;
                case ChangeAnswer.BeyondLog other when beyond is null or { IsForgotten: true }:
                    (beyond, _last) = (other, member);
                    break;
            }
        }

        return beyond;
    }

    /// <summary>
    /// Ends without <see cref="ChangePiece.End"/> when the scan broke off. Who leaves it open after that piece finds the log kept at the replica that was scanned, which is asked first
    /// from then on.
    /// </summary>
    public async IAsyncEnumerable<ChangePiece> ScanAsync(ChangeScan scan, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (Candidates() is not [var member, ..]) yield break;
        using var silence = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        await using var pieces = (member.Equals(self.Address) ? own.ScanAsync(scan, either.Token) : peers.ScanAsync(member, scan, either.Token)).GetAsyncEnumerator(either.Token);
        while (await NextAsync() is { } piece)
        {
            if (piece is ChangePiece.End) _last = member;
            yield return piece;
        }

        // How long the client takes for a piece is no silence.
        async ValueTask<ChangePiece?> NextAsync()
        {
            silence.CancelAfter(options.AnswerTimeout);
            try
            {
                if (!await pieces.MoveNextAsync()) return null;
                silence.CancelAfter(Timeout.InfiniteTimeSpan);
                return pieces.Current;
            }
            catch (Exception broken) when (broken is PeerUnavailableException || (broken is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                _last = null;
                return null;
            }
        }
    }

    private async ValueTask<ChangeAnswer?> AskAsync(NodeAddress member, ChangeQuestion question, CancellationToken cancellation)
    {
        if (member.Equals(self.Address)) return await own.AnswerAsync(question, cancellation);
        using var silence = new CancellationTokenSource(options.AnswerTimeout + (question.Wait ?? TimeSpan.Zero), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        try
        {
            return await peers.AskAsync(member, question, either.Token);
        }
        catch (Exception broken) when (broken is PeerUnavailableException || (broken is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    private List<NodeAddress> Candidates()
    {
        var view = topology.Current;
        if (view.Layout != group.Layout || view.Find(group.Shard) is not { } shard) return [];
        var present = membership.Current;
        var turn = random.Next();
        return [.. shard.Members
            .Where(present.IsReachable)
            .Select((member, index) => (Member: member, Turn: (turn + index) % shard.Members.Length))
            .OrderBy(candidate => candidate.Member.Equals(_last) ? 0 : candidate.Member.Equals(self.Address) ? 1 : 2)
            .ThenBy(candidate => candidate.Turn)
            .Select(candidate => candidate.Member)];
    }
}
