using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Observation;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Retention;
using Kv.Node.Scrub;
using Kv.Node.Topology;

namespace Kv.Node.Hosting;

/// <summary>Every loop of a node, in the order they start. Runs until cancelled; the first one that fails ends the rest and its failure comes out.</summary>
internal sealed class NodeLoops(
    StorageWatch storage,
    ReplicaState replica,
    MembershipService membership,
    HeartbeatLoops heartbeats,
    ReplicatorSet replicators,
    CatchUp catchUp,
    ServingFloor floor,
    WriteConcern concern,
    ForwardLanes lanes,
    TopologyRegister register,
    TopologyLearner learner,
    Formation formation,
    Admission admission,
    Promotion promotion,
    Filling filling,
    FormerPlaces former,
    MigrationCoordinator coordinator,
    LogRetention log,
    TombstoneRetention tombstones,
    Scrubber scrubber,
    DeadRemoval removal,
    Observatory observatory,
    Readiness readiness)
{
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var loops = new List<Task>
        {
            // First, so that of several failures the storage's is the one that comes out: the others follow from it.
            storage.RunAsync(all.Token),
            replica.RunAsync(all.Token),
            membership.RunAsync(all.Token),
            heartbeats.RunAsync(all.Token),
            replicators.RunAsync(all.Token),
            catchUp.RunAsync(all.Token),
            concern.RunAsync(all.Token),
            lanes.RunAsync(all.Token),
            floor.RunAsync(all.Token),
            register.RunAsync(all.Token),
            learner.RunAsync(all.Token),
            admission.RunAsync(all.Token),
            promotion.RunAsync(all.Token),
            filling.RunAsync(all.Token),
            former.RunAsync(all.Token),
            coordinator.RunAsync(all.Token),
            log.RunAsync(all.Token),
            tombstones.RunAsync(all.Token),
            scrubber.RunAsync(all.Token),
            removal.RunAsync(all.Token),
            observatory.RunAsync(all.Token),
        };
        // Ends by itself once the topology is sealed.
        var forming = formation.RunAsync(all.Token);
        readiness.Hold(null);
        try
        {
            var first = await Task.WhenAny([forming, .. loops]);
            if (first == forming)
            {
                await forming;
                first = await Task.WhenAny(loops);
            }

            await first;
            if (!cancellation.IsCancellationRequested) throw new InvalidOperationException("A loop of the node ended although nobody stopped it.");
        }
        finally
        {
            readiness.End("Stopping");
            all.Cancel();
            await Task.WhenAll([forming, .. loops]);
        }
    }
}
