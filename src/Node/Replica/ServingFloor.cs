using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Time;
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

    private readonly Published<State> _state = new(new(VersionVector.Empty, Standing.CatchingUp));

    /// <summary>What must be held; empty until a peer was heard from.</summary>
    public VersionVector Needed => _state.Current.Needed;

    /// <summary>True when a client with this past may be served, as far as the floor goes.</summary>
    public bool Admits(CausalToken past) => Admits(_state.Current, past);

    public async ValueTask WaitUntilAdmittedAsync(CausalToken past, CancellationToken cancellation) =>
        await _state.WaitAsync(state => Admits(state, past), cancellation);

    /// <summary>
    /// Ends when the replica is complete or the node stops. 1. Hear from somebody of the shard; if nobody is there in time, serve meanwhile as one who is
    /// alone. 2. Catch up with what was heard. 3. Remember that.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            if (storage.ReadMeta(CompleteKey) is null)
            {
                var needed = await FirstHeardAsync(options.FormationGrace, cancellation);
                if (needed is null)
                {
                    // A cluster that is just being started, whose first nodes serve before the others are there; or one that was there before, of which
                    // this node knows nothing any more.
                    _state.Publish(new(VersionVector.Empty, Standing.Alone));
                    needed = await FirstHeardAsync(Timeout.InfiniteTimeSpan, cancellation) ?? VersionVector.Empty;
                }
                else
                {
                    _state.Publish(new(needed, Standing.CatchingUp));
                }

                await CatchUpWithAsync(needed, cancellation);
                await storage.WriteMetaAsync(CompleteKey, new byte[] { 1 });
            }

            _state.Publish(new(Needed, Standing.Complete));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    // Alone, it cannot tell whether a token that names nothing of this shard saw nothing of it, or had all of it pruned as stable before the data was lost.
    // One that names something was made since: what is stable is pruned as a whole.
    private bool Admits(State state, CausalToken past) => state.Standing switch
    {
        Standing.Complete => true,
        Standing.Alone => past.Stamp == HybridTimestamp.Zero || !past.Dependencies.Of(replica.Shard).IsEmpty,
        _ => false,
    };

    // Null when nobody was heard within the time.
    private async Task<VersionVector?> FirstHeardAsync(TimeSpan within, CancellationToken cancellation)
    {
        var others = topology.Current.Find(replica.Shard)!.Members.Where(member => !member.Equals(self.Address)).ToList();
        if (others.Count == 0) return VersionVector.Empty;
        using var grace = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, grace.Token);
        try
        {
            var view = await membership.WaitAsync(next => others.Exists(next.IsReachable), either.Token);
            return others.Where(view.IsReachable).Aggregate(VersionVector.Empty, (joined, member) => joined.Join(view.Find(member)!.Vector));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
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

    private enum Standing
    {
        CatchingUp,

        /// <summary>Without data from before, and nobody of the shard has been heard from.</summary>
        Alone,

        Complete,
    }

    private sealed record State(VersionVector Needed, Standing Standing);
}
