using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Storage;

namespace Kv.Node.Replica;

/// <summary>
/// What a replica that has never been complete must hold before it serves: everything that a member of its shard held when first heard from. Without
/// it, a node re-created without its data would answer tokens from which entries were pruned on the strength of the data it lost. Whether it
/// was ever complete is stored, so that a crash while catching up does not lift the floor.
/// </summary>
internal sealed class ServingFloor(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    IStorageEngine storage,
    IMissingRecords missingRecords,
    TimeProvider time,
    ReplicaOptions options)
{
    private const string CompleteKey = "replica-was-complete";

    private readonly Published<State> _state = new(new(VersionVector.Empty, IsPassed: false));

    public bool IsPassed => _state.Current.IsPassed;

    /// <summary>What must be held; empty until a peer was heard from.</summary>
    public VersionVector Needed => _state.Current.Needed;

    public async ValueTask WaitUntilPassedAsync(CancellationToken cancellation) => await _state.WaitAsync(state => state.IsPassed, cancellation);

    /// <summary>Ends when the floor is passed or the node stops.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            if (storage.ReadMeta(CompleteKey) is null)
            {
                var needed = await FirstHeardAsync(cancellation);
                _state.Publish(new(needed, IsPassed: false));
                await CatchUpWithAsync(needed, cancellation);
                await storage.WriteMetaAsync(CompleteKey, new byte[] { 1 });
            }

            _state.Publish(new(Needed, IsPassed: true));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task<VersionVector> FirstHeardAsync(CancellationToken cancellation)
    {
        var others = topology.Current.Find(replica.Shard)!.Members.Where(member => !member.Equals(self.Address)).ToList();
        if (others.Count == 0) return VersionVector.Empty;
        using var grace = new CancellationTokenSource(options.FormationGrace, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, grace.Token);
        try
        {
            var view = await membership.WaitAsync(next => others.Exists(next.IsReachable), either.Token);
            return others.Where(view.IsReachable).Aggregate(VersionVector.Empty, (joined, member) => joined.Join(view.Find(member)!.Vector));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Nobody of the shard is up: a cluster that is just being started, whose first nodes serve before the others are there.
            return VersionVector.Empty;
        }
    }

    private async Task CatchUpWithAsync(VersionVector needed, CancellationToken cancellation)
    {
        while (!replica.Snapshot.Current.Vector.Covers(needed))
        {
            missingRecords.Ask(needed);
            using var retry = new CancellationTokenSource(options.CatchUpRetry, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, retry.Token);
            try
            {
                await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(needed), either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
            }
        }
    }

    private sealed record State(VersionVector Needed, bool IsPassed);
}
