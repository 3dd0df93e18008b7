using System.Collections.Immutable;
using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// Which topology may follow which. Calculations: the topology that a change leads to is decided by consensus, and whoever loses that race asks again
/// with the topology that won. While a reshard is under way, who is in which shard stays as it is, for it counts on that; nodes may still be admitted.
/// </summary>
public static class TopologyRules
{
    /// <summary>
    /// How many other members a shard must have for one to be made a joining one: with a single one left, the loss of its disk would leave those who only join, with all they
    /// hold, and nobody to fill them.
    /// </summary>
    public const int FewestMembersAfterDemotion = 2;

    // More reshards than anybody has run unheard of by those who survive.
    private const int LayoutsSkippedByRecovery = 16;

    /// <summary>
    /// The second topology: the provisional one with the names of those who are there. Whoever is not yet named is admitted later, by its own wish.
    /// </summary>
    public static ClusterTopology Seal(ClusterTopology provisional, IReadOnlyDictionary<NodeAddress, Incarnation> present, OperationId id) =>
        Follow(provisional, provisional.Members.Select(address => new TopologyMember(address, present.GetValueOrDefault(address))), provisional.Shards, id);

    /// <summary>What <paramref name="change"/> comes to after <paramref name="parent"/>.</summary>
    public static ChangeResult Apply(ClusterTopology parent, TopologyChange change)
    {
        if (!parent.IsSealed) return new ChangeResult.Refused(ChangeRefusal.NotSealed);
        if (parent.RecentOperations.Contains(change.Id)) return new ChangeResult.AlreadySo();
        return change switch
        {
            TopologyChange.Admit admit => Apply(parent, admit),
            TopologyChange.Leave leave => Apply(parent, leave),
            TopologyChange.Remove remove => Apply(parent, remove),
            TopologyChange.AddReplica add => Apply(parent, add),
            TopologyChange.Promote promote => Apply(parent, promote),
            TopologyChange.Demote demote => Apply(parent, demote),
            TopologyChange.BeginReshard begin => Apply(parent, begin),
            TopologyChange.CommitReshard commit => Apply(parent, commit),
            TopologyChange.CancelReshard cancel => Apply(parent, cancel),
            _ => throw new ArgumentOutOfRangeException(nameof(change), change, "Unknown change."),
        };
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.Admit change)
    {
        var node = change.Node;
        if (parent.Includes(node.Address) && parent.IncarnationAt(node.Address) == node.Incarnation) return new ChangeResult.AlreadySo();
        if (parent.Removed.Contains(node.Incarnation)) return new ChangeResult.Refused(ChangeRefusal.WasRemoved);
        // Without its data it is another replica, which must be refilled before it serves, unless there is nobody who could.
        var shards = parent.Shards.Select(shard =>
            shard.Includes(node.Address) && HasAnotherReplica(parent, shard, node.Address)
                ? shard.Without(node.Address) with { Joining = shard.Joining.Add(node.Address) }
                : shard);
        return new ChangeResult.Next(Follow(parent, MembersBut(parent, node.Address).Append(node), shards, change.Id));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.Leave change)
    {
        if (!parent.Includes(change.Address)) return new ChangeResult.Refused(ChangeRefusal.NotMember);
        if (parent.ShardOf(change.Address) is not { } served) return new ChangeResult.AlreadySo();
        if (!HasAnotherReplica(parent, served, change.Address)) return new ChangeResult.Refused(ChangeRefusal.LastReplica);
        if (parent.Transition is not null) return new ChangeResult.Refused(ChangeRefusal.ReshardRunning);
        var shards = parent.Shards.Select(shard => shard == served ? shard.Without(change.Address) with { Leaving = shard.Leaving.Add(change.Address) } : shard);
        return new ChangeResult.Next(Follow(parent, MembersOf(parent), shards, change.Id));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.Remove change)
    {
        if (!parent.Includes(change.Address)) return new ChangeResult.Refused(ChangeRefusal.NotMember);
        if (parent.ShardOf(change.Address) is { } served && !HasAnotherReplica(parent, served, change.Address)) return new ChangeResult.Refused(ChangeRefusal.LastReplica);
        if (parent.Transition is not null) return new ChangeResult.Refused(ChangeRefusal.ReshardRunning);
        var shards = parent.Shards.Select(shard => shard.Without(change.Address));
        var removed = parent.IncarnationAt(change.Address) is { IsNone: false } incarnation ? parent.Removed.Add(incarnation) : parent.Removed;
        return new ChangeResult.Next(Follow(parent, MembersBut(parent, change.Address), shards, change.Id, removed: removed));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.AddReplica change)
    {
        if (parent.Find(change.Shard) is null) return new ChangeResult.Refused(ChangeRefusal.UnknownShard);
        if (parent.IncarnationAt(change.Address).IsNone) return new ChangeResult.Refused(ChangeRefusal.NotMember);
        if (parent.ReplicatedBy(change.Address) is { } present && present.Id != change.Shard) return new ChangeResult.Refused(ChangeRefusal.ServesAnotherShard);
        // One that is leaving may think better of it.
        if (parent.ReplicatedBy(change.Address)?.Leaving.Contains(change.Address) == false) return new ChangeResult.AlreadySo();
        if (parent.Transition is not null) return new ChangeResult.Refused(ChangeRefusal.ReshardRunning);
        var shards = parent.Shards.Select(shard =>
            shard.Id == change.Shard ? shard.Without(change.Address) with { Joining = shard.Joining.Add(change.Address) } : shard);
        return new ChangeResult.Next(Follow(parent, MembersOf(parent), shards, change.Id));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.Promote change)
    {
        if (parent.Find(change.Shard) is not { } joined) return new ChangeResult.Refused(ChangeRefusal.UnknownShard);
        var (address, incarnation) = change.Node;
        if (parent.IncarnationAt(address) != incarnation) return new ChangeResult.Refused(ChangeRefusal.NotJoining);
        if (joined.Includes(address)) return new ChangeResult.AlreadySo();
        if (!joined.Joining.Contains(address)) return new ChangeResult.Refused(ChangeRefusal.NotJoining);
        if (parent.Transition is not null) return new ChangeResult.Refused(ChangeRefusal.ReshardRunning);
        var shards = parent.Shards.Select(shard =>
            shard.Id == change.Shard ? shard with { Members = shard.Members.Add(address), Joining = shard.Joining.Remove(address) } : shard);
        return new ChangeResult.Next(Follow(parent, MembersOf(parent), shards, change.Id));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.Demote change)
    {
        if (parent.Find(change.Shard) is not { } served) return new ChangeResult.Refused(ChangeRefusal.UnknownShard);
        var (address, incarnation) = change.Node;
        if (parent.IncarnationAt(address) != incarnation) return new ChangeResult.Refused(ChangeRefusal.NotMember);
        if (served.Joining.Contains(address)) return new ChangeResult.AlreadySo();
        if (!served.Includes(address)) return new ChangeResult.Refused(ChangeRefusal.NotMember);
        if (served.Members.Count(other => !other.Equals(address) && !parent.IncarnationAt(other).IsNone) < FewestMembersAfterDemotion)
            return new ChangeResult.Refused(ChangeRefusal.LastReplica);
        if (parent.Transition is not null) return new ChangeResult.Refused(ChangeRefusal.ReshardRunning);
        var shards = parent.Shards.Select(shard => shard == served ? shard.Without(address) with { Joining = shard.Joining.Add(address) } : shard);
        return new ChangeResult.Next(Follow(parent, MembersOf(parent), shards, change.Id));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.BeginReshard change)
    {
        if (parent.Transition is not null) return new ChangeResult.Refused(ChangeRefusal.ReshardRunning);
        if (Rebalance.Plan(parent, change.ShardCount, change.Live.ToHashSet()) is not { } plan) return new ChangeResult.Refused(ChangeRefusal.NotEnoughNodes);
        // Whoever is dead now need not be moved to where it is.
        if (plan.Length == parent.Shards.Length && plan.Zip(parent.Shards).All(pair => pair.First.Replicas.SequenceEqual((pair.Second with { Leaving = [] }).Replicas.Order())))
            return new ChangeResult.AlreadySo();
        var transition = new Transition(change.Id, parent.Epoch.Next, parent.Layouts.Length, HashRing.For(change.ShardCount), plan);
        return new ChangeResult.Next(Follow(parent, MembersOf(parent), parent.Shards, change.Id, Resharding.Of(parent) with { Transition = transition }));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.CommitReshard change)
    {
        if (parent.Transition is not { } transition || transition.Id != change.Reshard) return Ended(parent, change.Reshard, committed: true);
        // Who is at the address now need not be who was filled.
        bool IsFilled(NodeAddress node) => change.Filled.Contains(new(node, parent.IncarnationAt(node))) && !parent.IncarnationAt(node).IsNone;
        // One that was not alive at the beginning may be back and filled.
        var shards = transition.Shards
            .Select(shard => shard with { Members = [.. shard.Replicas.Where(IsFilled)], Joining = [.. shard.Replicas.Where(node => !IsFilled(node))] })
            .ToList();
        if (shards.Any(shard => shard.Members.Length < Rebalance.FewestLiveNodes)) return new ChangeResult.Refused(ChangeRefusal.NotFilled);
        var committed = new Resharding(parent.Layouts.Add(transition.Ring.ShardCount), null, new(transition.Id, Committed: true));
        return new ChangeResult.Next(Follow(parent, MembersOf(parent), shards, change.Id, committed));
    }

    private static ChangeResult Apply(ClusterTopology parent, TopologyChange.CancelReshard change) => parent.Transition?.Id == change.Reshard
        ? new ChangeResult.Next(Follow(parent, MembersOf(parent), parent.Shards, change.Id, Resharding.Of(parent).Cancelled))
        : Ended(parent, change.Reshard, committed: false);

    private static ChangeResult Ended(ClusterTopology parent, OperationId reshard, bool committed) =>
        parent.LastReshard == new ReshardEnd(reshard, committed) ? new ChangeResult.AlreadySo() : new ChangeResult.Refused(ChangeRefusal.NoSuchReshard);

    /// <summary>
    /// What an operator makes of a cluster whose quorum is lost for good: those named survive and decide alone from now on; the others are nobody until
    /// they come back and are admitted, with or without their data. A reshard under way is given up. The same list after the same parent gives the same
    /// topology.
    /// Throws <see cref="ArgumentException"/> unless every survivor is a member that is known by name.
    /// </summary>
    public static ClusterTopology Recover(ClusterTopology parent, IReadOnlyCollection<NodeAddress> survivors)
    {
        if (survivors.Count == 0) throw new ArgumentException("Somebody must survive.", nameof(survivors));
        if (survivors.FirstOrDefault(address => parent.IncarnationAt(address).IsNone) is { } stranger)
            throw new ArgumentException($"{stranger} is no member of epoch {parent.Epoch} that is known by name.", nameof(survivors));
        var members = MembersOf(parent).Select(member => survivors.Contains(member.Address) ? member : member with { Incarnation = default });
        var shards = parent.Shards.Select(shard => shard.Members.Any(survivors.Contains) ? OnlyServedBy(shard, survivors) : shard);
        return Follow(parent, members, shards, new(parent.Digest), Resharding.Of(parent).Cancelled.WithUnknownLayouts, epoch: parent.Epoch.NextGeneration);
    }

    // Whoever is given up refills its shard when it is back.
    private static ShardMembers OnlyServedBy(ShardMembers shard, IReadOnlyCollection<NodeAddress> survivors) => shard with
    {
        Members = [.. shard.Members.Where(survivors.Contains)],
        Joining = [.. shard.Joining, .. shard.Members.Where(member => !survivors.Contains(member))],
    };

    private static ClusterTopology Follow(
        ClusterTopology parent,
        IEnumerable<TopologyMember> members,
        IEnumerable<ShardMembers> shards,
        OperationId id,
        Resharding? resharding = null,
        ImmutableArray<Incarnation>? removed = null,
        Epoch? epoch = null)
    {
        var present = members.ToList();
        var (layouts, transition, last) = resharding ?? Resharding.Of(parent);
        return new(parent.Cluster, epoch ?? parent.Epoch.Next, present, shards, layouts)
        {
            ParentDigest = parent.Digest,
            Acceptors = ChooseAcceptors(parent, present),
            Transition = transition,
            LastReshard = last,
            Removed = Newest(removed ?? parent.Removed, ClusterTopology.MostRemoved),
            RecentOperations = Newest(parent.RecentOperations.Add(id), ClusterTopology.MostRecentOperations),
        };
    }

    // Those who decide stay as long as they are there, so that one change moves the quorum by one voter at most; the rest is filled up.
    private static ImmutableArray<Acceptor> ChooseAcceptors(ClusterTopology parent, List<TopologyMember> members)
    {
        var voters = parent.Acceptors.ToHashSet();
        return
        [
            .. members.Where(member => !member.Incarnation.IsNone)
                .Select(member => new Acceptor(member.Address, member.Incarnation))
                .OrderBy(acceptor => voters.Contains(acceptor) ? 0 : 1)
                .ThenBy(acceptor => acceptor.Address)
                .Take(EpochValues.MostAcceptors)
                .OrderBy(acceptor => acceptor.Address),
        ];
    }

    // Somebody who was admitted, not merely an address.
    private static bool HasAnotherReplica(ClusterTopology topology, ShardMembers shard, NodeAddress than) =>
        shard.Members.Any(other => !other.Equals(than) && !topology.IncarnationAt(other).IsNone);

    private static ImmutableArray<T> Newest<T>(ImmutableArray<T> all, int most) => all.Length > most ? all.RemoveRange(0, all.Length - most) : all;

    private static IEnumerable<TopologyMember> MembersOf(ClusterTopology topology) =>
        topology.Members.Select(address => new TopologyMember(address, topology.IncarnationAt(address)));

    private static IEnumerable<TopologyMember> MembersBut(ClusterTopology topology, NodeAddress address) =>
        MembersOf(topology).Where(member => !member.Address.Equals(address));

    /// <summary>What a topology says of layouts: past, present and to be.</summary>
    private readonly record struct Resharding(ImmutableArray<int> Layouts, Transition? Transition, ReshardEnd? Last)
    {
        public Resharding Cancelled => Transition is null ? this : this with { Transition = null, Last = new(Transition.Id, Committed: false) };

        /// <summary>Layouts that those who are given up may have decided, and given to their groups: their numbers are never used again.</summary>
        public Resharding WithUnknownLayouts => this with { Layouts = Layouts.AddRange(Enumerable.Repeat(0, LayoutsSkippedByRecovery)) };

        public static Resharding Of(ClusterTopology topology) => new(topology.Layouts, topology.Transition, topology.LastReshard);
    }
}
