using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Requests;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Faults;

/// <summary>Who changes the membership of the cluster, and its number of shards, by asking any node for it as REST does; asks another one when that comes to nothing.</summary>
internal sealed class Operator(SimCluster cluster)
{
    private const int MostTries = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BeforeAgain = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Notice = TimeSpan.FromMilliseconds(200);

    private readonly HashSet<NodeAddress> _leaving = [];
    private bool _isResting;
    private int _waiting;

    /// <summary>True while a request is not answered yet.</summary>
    public bool IsBusy => _waiting > 0 || _leaving.Count > 0;

    /// <summary>Switches a spare machine on, or lets in who was removed; false when there is neither.</summary>
    public bool Add(Random random)
    {
        var candidates = cluster.Nodes.Where(node => !node.IsProvisioned || node.IsUninvited).ToList();
        if (candidates.Count == 0) return false;
        var node = candidates[random.Next(candidates.Count)];
        cluster.Log($"OPERATOR adds {node.Address}");
        node.IsProvisioned = true;
        node.Start();
        Ask(random, (services, stop) => Changes(services).AddAsync(node.Address, stop), topology => topology.Includes(node.Address));
        return true;
    }

    /// <summary>Removes a member; the product itself knows which one is not to be removed.</summary>
    public void Remove(SimNode node, Random random)
    {
        cluster.Log($"OPERATOR removes {node.Address}");
        _leaving.Add(node.Address);
        var asked = cluster.Topology.Epoch;
        // Those who are told where to go are told first.
        node.IsOnItsWayOut = true;
        cluster.Scheduler.After(Notice, () => Ask(random, (services, stop) => Changes(services).RemoveAsync(node.Address, stop), topology => topology.Epoch >= asked && !topology.Includes(node.Address), () =>
        {
            _leaving.Remove(node.Address);
            node.IsOnItsWayOut = false;
        }));
    }

    /// <summary>Has a member without a shard replicate one; false when there is none.</summary>
    public bool AddReplica(Random random)
    {
        var topology = cluster.Topology;
        var candidates = topology.Members.Where(member => topology.ReplicatedBy(member) is null).ToList();
        if (candidates.Count == 0) return false;
        var address = candidates[random.Next(candidates.Count)];
        var shard = topology.Shards[random.Next(topology.Shards.Length)].Id;
        cluster.Log($"OPERATOR adds {address} to shard {shard}");
        Ask(random, (services, stop) => Changes(services).AddReplicaAsync(shard, address, stop), topology => topology.Find(shard)?.IsReplicatedBy(address) != false);
        return true;
    }

    /// <summary>Has the cluster form another number of shards, or the same number anew; now and then two operators ask at once.</summary>
    public bool Reshard(Random random)
    {
        if (!cluster.Topology.IsSealed) return false;
        for (var wishes = random.Next(4) == 0 ? 2 : 1; wishes > 0; wishes--)
        {
            var (present, most) = (cluster.Topology.Shards.Length, Math.Max(1, cluster.Topology.Members.Length / 2));
            // One more than can be, now and then.
            var count = random.Next(5) switch
            {
                0 => present,
                1 => present + 1,
                2 => Math.Max(1, present - 1),
                _ => random.Next(1, most + 1),
            };
            cluster.Log($"OPERATOR asks for {count} shards");
            Ask(random, (services, stop) => services.GetRequiredService<Resharding>().ReshardAsync(count, stop), topology => topology.Shards.Length == count);
        }

        return true;
    }

    /// <summary>Gives the reshard under way up; false when there is none.</summary>
    public bool CancelReshard(Random random)
    {
        if (cluster.Topology.Transition is not { } transition) return false;
        cluster.Log($"OPERATOR gives up reshard {transition.Id}");
        Ask(random, (services, stop) => services.GetRequiredService<Resharding>().CancelAsync(stop), topology => topology.LastReshard is not null);
        return true;
    }

    /// <summary>Asks for nothing more; what has begun is still to be finished.</summary>
    public void Rest() => _isResting = true;

    /// <summary>Asks again for what came to nothing because the node that was asked died.</summary>
    public void Finish(Random random)
    {
        foreach (var address in cluster.Topology.Shards.SelectMany(shard => shard.Leaving).Where(address => !_leaving.Contains(address)).ToList()) Remove(cluster[address], random);
    }

    private static MembershipChanges Changes(IServiceProvider services) => services.GetRequiredService<MembershipChanges>();

    private void Ask(Random random, Func<IServiceProvider, CancellationToken, Task<MembershipOutcome>> change, Func<ClusterTopology, bool> isDone, Action? ended = null, int tries = 1)
    {
        var doors = cluster.Running.Where(node => !node.IsPaused && cluster.Topology.IsMember(node.Identity)).ToList();
        var isOver = false;
        _waiting++;
        cluster.Scheduler.After(Patience + BeforeAgain, () => End(isAnswered: false));
        if (doors.Count == 0) return;
        var door = doors[random.Next(doors.Count)];
        door.Do(async services =>
        {
            using var patience = new CancellationTokenSource(Patience, services.GetRequiredService<TimeProvider>());
            var outcome = await change(services, patience.Token);
            cluster.Log($"OPERATOR hears from {door.Address}: {outcome}");
            // Else it could be gone with the one that says so.
            if (outcome is MembershipOutcome.Done && !cluster.History.IsHeldByMajority(isDone))
                cluster.Violations.Add("An acknowledged change stays", $"{door.Address} acknowledged a change that no majority of those who decide next holds: {cluster.Topology}");
            cluster.Scheduler.After(BeforeAgain, () => End(outcome is MembershipOutcome.Done or MembershipOutcome.AlreadySo or MembershipOutcome.Refused or MembershipOutcome.Cancelled));
        },
        // The connection breaks with the process; whoever asked tries elsewhere then, as a client does.
        died: () => cluster.Scheduler.After(BeforeAgain, () => End(isAnswered: false)));

        void End(bool isAnswered)
        {
            if (isOver) return;
            isOver = true;
            _waiting--;
            if (isAnswered || _isResting || tries == MostTries) ended?.Invoke();
            else Ask(random, change, isDone, ended, tries + 1);
        }
    }
}
