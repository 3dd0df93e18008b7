using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Replica;

/// <summary>
/// What a replica that has never been complete must hold before it serves: everything that a member of its shard held when first heard from. Without
/// it, a node re-created without its data would answer tokens from which entries were pruned on the strength of the data it lost. Whether it
/// was ever complete is stored, so that a crash while catching up does not lift the floor. A replica whose place was filled is complete from the beginning.
/// </summary>
internal sealed class ServingFloor(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    IMissingRecords missingRecords,
    TimeProvider time,
    ReplicaOptions options)
{
    private readonly Published<State> _state = new(new(VersionVector.Empty, Standing.CatchingUp));

    // On whose word the measure is.
    private ImmutableArray<PeerView> _witnesses = [];

    /// <summary>What must be held; empty until it is measured.</summary>
    public VersionVector Needed => _state.Current.Needed;

    /// <summary>True once this replica has held all that its shard held; told to the peers.</summary>
    public bool IsComplete => _state.Current.Standing is Standing.Complete or Standing.Returning;

    /// <summary>False while another replica, if there is one, is the better address for a request.</summary>
    public bool IsUpToDate => _state.Current.Standing is Standing.Complete or Standing.Alone or Standing.Unassigned;

    /// <summary>Completes when this node, which joins a shard, holds all that there was and so can become a member.</summary>
    public async ValueTask WaitUntilJoinedAsync(CancellationToken cancellation) =>
        await _state.WaitAsync(state => state.Standing is Standing.Joined, cancellation);

    /// <summary>True when a client with this past may be served, as far as the floor goes.</summary>
    public bool Admits(CausalToken past) => Admits(_state.Current, past);

    public async ValueTask WaitUntilAdmittedAsync(CausalToken past, CancellationToken cancellation) =>
        await _state.WaitAsync(state => Admits(state, past), cancellation);

    /// <summary>Follows what the topology has this node do, and what its replica is, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                // One that was whole and only changes its place has nothing to catch up with; one that was not, because it is just back, is measured again by the new place.
                var wasWhole = _state.Current.Standing is Standing.Complete or Standing.Joined;
                var situation = Look();
                using var here = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                var taking = TakeAsync(situation, wasWhole, here.Token);
                var moved = Task.WhenAny(
                    topology.WaitAsync(_ => Look() != situation, here.Token).AsTask(),
                    replica.Snapshot.WaitAsync(_ => Look() != situation, here.Token).AsTask());
                if (await Task.WhenAny(taking, moved) == taking) await taking;
                await await moved;
                here.Cancel();
                await taking;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private Situation Look() => new(replica.Place.Role, PlaceRules.AssignedTo(topology.Current, self), replica.Snapshot.Current.Place);

    private async Task TakeAsync(Situation situation, bool wasWhole, CancellationToken cancellation)
    {
        try
        {
            switch (situation)
            {
                case { Role: ReplicaRole.None or ReplicaRole.Leaving }:
                    _state.Publish(new(VersionVector.Empty, Standing.Unassigned));
                    break;
                case { Place: { } place } when place == situation.Assigned:
                    await (situation.Role is ReplicaRole.Member ? ServeAsync(place, wasWhole, cancellation) : JoinAsync(place, cancellation));
                    break;
                default:
                    // It is being filled, or the writer has yet to follow the topology.
                    _state.Publish(new(VersionVector.Empty, Standing.CatchingUp));
                    break;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    // 1. Measure what a member holds that knows of this node: whatever is written from then on is sent here too, and whatever any node takes for stable
    // is held here. 2. Catch up. 3. Remember that.
    private async Task JoinAsync(ReplicaGroup place, CancellationToken cancellation)
    {
        _state.Publish(new(VersionVector.Empty, Standing.CatchingUp));
        var epoch = topology.Current.Epoch;
        var view = await membership.WaitAsync(next => Heard(next).Any(peer => IsWhole(peer) && peer.Epoch >= epoch), cancellation);
        var needed = HeldBy([.. Heard(view).Where(peer => IsWhole(peer) && peer.Epoch >= epoch)]);
        _state.Publish(new(needed, Standing.CatchingUp));
        await CatchUpAsync(cancellation);
        await replica.MarkCompleteAsync(place);
        _state.Publish(new(needed, Standing.Joined));
    }

    // 1. Measure: hear what the shard holds; if those who know are not there in time, serve meanwhile as one who is alone. 2. Catch up. 3. Remember that.
    private async Task ServeAsync(ReplicaGroup place, bool wasWhole, CancellationToken cancellation)
    {
        if (!replica.Snapshot.Current.IsComplete)
        {
            var needed = await MeasureWithinGraceAsync(cancellation);
            if (needed is null)
            {
                // A cluster that is just being started, whose first nodes serve before the others are there; or one that was there before, of which
                // this node knows nothing any more.
                _state.Publish(new(VersionVector.Empty, Standing.Alone));
                needed = await MeasureAsync(() => Majority, cancellation);
            }

            _state.Publish(new(needed, Standing.CatchingUp));
            await CatchUpAsync(cancellation);
            await replica.MarkCompleteAsync(place);
        }
        else if (!wasWhole)
        {
            _state.Publish(new(VersionVector.Empty, Standing.Returning));
            if (await MeasureWithinGraceAsync(cancellation) is { } missed)
            {
                _state.Publish(new(missed, Standing.Returning));
                await CatchUpAsync(cancellation);
            }
        }

        _state.Publish(new(VersionVector.Empty, Standing.Complete));
    }

    // Alone, it cannot tell whether a token that names nothing of this shard saw nothing of it, or had all of it pruned as stable before the data was lost.
    // One that names only writes of this incarnation was made since; what others wrote since may come here before what was pruned from its token.
    private bool Admits(State state, CausalToken past) => state.Standing switch
    {
        Standing.Complete or Standing.Returning => true,
        Standing.Alone => past.Stamp == HybridTimestamp.Zero || (replica.Snapshot.Current.Place is { } place && IsOwn(past.Dependencies.OfGroups(group => topology.Current.Concerns(group, place)))),
        _ => false,
    };

    private bool IsOwn(VersionVector dots) => !dots.IsEmpty && dots.All(dot => dot.Origin.Incarnation == self.Incarnation);

    private ImmutableArray<NodeAddress> Members => replica.Place.Shard?.Members ?? [];

    private int Majority => (Members.Length / 2) + 1;

    private async Task<VersionVector?> MeasureWithinGraceAsync(CancellationToken cancellation)
    {
        using var grace = new CancellationTokenSource(options.FormationGrace, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, grace.Token);
        try
        {
            return await MeasureAsync(() => Members.Length, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    // What complete members hold, as soon as one is heard. If none is, the cluster is new once so many members of the shard, this one included, are there
    // without earlier data.
    private async Task<VersionVector> MeasureAsync(Func<int> newMembers, CancellationToken cancellation)
    {
        var view = await membership.WaitAsync(next => Heard(next).Any(IsWhole) || Heard(next).Count() + 1 >= newMembers(), cancellation);
        return Measure(view);
    }

    private VersionVector Measure(MembershipView view)
    {
        var heard = Heard(view).ToList();
        var complete = heard.Where(IsWhole).ToList();
        return HeldBy([.. complete.Count > 0 ? complete : heard]);
    }

    private VersionVector HeldBy(ImmutableArray<PeerView> witnesses)
    {
        _witnesses = witnesses;
        return witnesses.Aggregate(VersionVector.Empty, (joined, peer) => joined.Join(HeldBy(peer)));
    }

    // What a peer holds of another group says nothing of this one.
    private VersionVector HeldBy(PeerView peer) => peer.Place == replica.Snapshot.Current.Place ? peer.Vector : VersionVector.Empty;

    private bool IsWhole(PeerView peer) => peer.Complete && peer.Place == replica.Snapshot.Current.Place;

    private IEnumerable<PeerView> Heard(MembershipView view) =>
        Members.Where(member => !member.Equals(self.Address) && view.IsReachable(member)).Select(member => view.Find(member)!);

    // Whoever said what there is has been replaced by the topology, its disk is lost, and no member is whole: what so many of them hold is all there is.
    private bool IsNobodysWord(MembershipView view) =>
        Members.Contains(self.Address) && Heard(view).Count() + 1 >= Majority
        && _witnesses.All(witness => topology.Current is { IsSealed: true } known && known.IncarnationAt(witness.Address) != witness.Incarnation);

    private async Task CatchUpAsync(CancellationToken cancellation)
    {
        while (!replica.Snapshot.Current.Vector.Covers(Needed))
        {
            missingRecords.Ask(Needed);
            using var retry = new CancellationTokenSource(options.CatchUpRetry, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, retry.Token);
            try
            {
                await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(Needed), either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // Whoever held it may be gone for good; another complete member's word is as good.
                var view = membership.Current;
                if (_state.Current.Standing is Standing.Returning && !Heard(view).Any()) return;
                if (Heard(view).Any(IsWhole) ? !Heard(view).Any(peer => HeldBy(peer).Covers(Needed)) : IsNobodysWord(view)) _state.Publish(_state.Current with { Needed = Measure(view) });
            }
        }
    }

    private enum Standing
    {
        CatchingUp,

        /// <summary>Without data from before, and nobody of the shard has been heard from.</summary>
        Alone,

        /// <summary>Without a shard to serve.</summary>
        Unassigned,

        /// <summary>It joins a shard and holds all of it.</summary>
        Joined,

        /// <summary>Back with its data, and not yet with what the shard did meanwhile: it serves, by the tokens, but is not ready.</summary>
        Returning,

        Complete,
    }

    private sealed record Situation(ReplicaRole Role, ReplicaGroup? Assigned, ReplicaGroup? Place);

    private sealed record State(VersionVector Needed, Standing Standing);
}
