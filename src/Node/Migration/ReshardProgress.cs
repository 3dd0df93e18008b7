using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Migration;

/// <summary>How far a reshard is, as this node sees it: what those who are being filled say in their heartbeats, added up.</summary>
internal sealed class ReshardProgress(
    Published<ClusterTopology> topology, Published<MembershipView> membership, ReplicaState replica, FillProgress filling, TimeProvider time)
{
    private readonly Lock _gate = new();
    private OperationId _reshard;
    private long _firstSeen;
    private ReshardReview? _review;
    private ReshardReport? _last;

    /// <summary>A reshard has become known here.</summary>
    public void Begin(OperationId reshard)
    {
        lock (_gate) (_reshard, _firstSeen, _review) = (reshard, time.GetTimestamp(), null);
    }

    public void Waits(ReshardReview review)
    {
        lock (_gate) _review = review;
        if (Report() is { } report) Volatile.Write(ref _last, report);
    }

    /// <summary>How far the last one that this process looked after was, when it was looked at last.</summary>
    public ReshardReport? Last => Volatile.Read(ref _last);

    /// <summary>The reshard under way, or null when there is none.</summary>
    public ReshardReport? Report()
    {
        if (topology.Current.Transition is not { } transition) return null;
        ReshardReview? review;
        TimeSpan elapsed;
        lock (_gate)
        {
            if (_reshard != transition.Id) return new(transition, IsReady: false, [], 0, 0, 0, 0, TimeSpan.Zero);
            review = _review;
            elapsed = time.GetElapsedTime(_firstSeen);
        }

        var reports = membership.Current.Peers.Where(peer => peer.IsLive).Select(peer => peer.Filling)
            .Append(filling.Report(replica.Snapshot.Current))
            .OfType<FillReport>()
            .Where(report => report.Since == transition.Begun && report.Target.Layout == transition.Layout)
            .ToList();
        return new(
            transition,
            review is ReshardReview.Ready,
            review is ReshardReview.Waits waits ? waits.For : [],
            reports.Sum(report => report.PartsDone),
            reports.Sum(report => report.PartsTotal),
            reports.Sum(report => report.Records),
            reports.Sum(report => report.Bytes),
            elapsed)
        {
            Lacking = review is ReshardReview.Lacks lacks ? lacks.Shard : null,
        };
    }
}
