using Kv.Node.Membership;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;

namespace Kv.Node.Hosting;

/// <summary>Every loop of a node, in the order they start. Runs until cancelled; the first one that fails ends the rest and its failure comes out.</summary>
internal sealed class NodeLoops(
    ReplicaState replica,
    MembershipService membership,
    HeartbeatLoops heartbeats,
    ReplicatorSet replicators,
    CatchUp catchUp,
    ServingFloor floor,
    WriteConcern concern,
    ForwardLanes lanes,
    Readiness readiness)
{
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var loops = new List<Task>
        {
            replica.RunAsync(all.Token),
            membership.RunAsync(all.Token),
            heartbeats.RunAsync(all.Token),
            replicators.RunAsync(all.Token),
            catchUp.RunAsync(all.Token),
            concern.RunAsync(all.Token),
            lanes.RunAsync(all.Token),
        };
        // Ends by itself once the replica is complete.
        var completing = floor.RunAsync(all.Token);
        readiness.Hold(null);
        try
        {
            var first = await Task.WhenAny([completing, .. loops]);
            if (first == completing)
            {
                await completing;
                first = await Task.WhenAny(loops);
            }

            await first;
            if (!cancellation.IsCancellationRequested) throw new InvalidOperationException("A loop of the node ended although nobody stopped it.");
        }
        finally
        {
            readiness.Hold("Stopping");
            all.Cancel();
            await Task.WhenAll([completing, .. loops]);
        }
    }
}
