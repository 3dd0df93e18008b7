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
    private long _changed;
    private ReshardReview? _review;
    private ReshardReport? _last;

    /// <summary>A reshard has become known here.</summary>
    public void Begin(OperationId reshard)
    {
        lock (_gate) (_reshard, _firstSeen, _changed, _review) = (reshard, time.GetTimestamp(), time.GetTimestamp(), null);
    }

    public void Waits(ReshardReview review)
    {
        lock (_gate) _review = review;
        if (Report() is not { } report) return;
        lock (_gate)
        {
            if (_last is null || report.Records != _last.Records || report.PartsDone != _last.PartsDone || report.WaitsFor.Length != _last.WaitsFor.Length) _changed = time.GetTimestamp();
            _last = report;
        }
    }

    /// <summary>For how long the reshard under way has been as it is.</summary>
    public TimeSpan Unchanged()
    {
        lock (_gate) return time.GetElapsedTime(_changed);
    }

    /// <summary>How far the last one that this process looked after was, when it was looked at last.</summary>
    public ReshardReport? Last
    {
        get
        {
            lock (_gate) return _last;
        }
    }

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
