using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Migration;

/// <summary>What a topology asks of one node's replica. Calculations.</summary>
public static class PlaceRules
{
    /// <summary>The group that <paramref name="node"/> serves, joins or leaves, or null.</summary>
    public static ReplicaGroup? AssignedTo(ClusterTopology topology, NodeIdentity node) =>
        topology.PlaceOf(node).Shard is { } shard ? topology.GroupOf(shard.Id) : null;

    /// <summary>The group that <paramref name="node"/>, whose place is <paramref name="place"/>, is to be filled for, or null when for none.</summary>
    public static ReplicaGroup? FillTargetOf(ClusterTopology topology, NodeIdentity node, ReplicaGroup? place)
    {
        if (!topology.IsMember(node)) return null;
        if (topology.Transition is { } transition && transition.ReplicatedBy(node.Address) is { } shard) return transition.GroupOf(shard.Id);
        return topology.PlaceOf(node) is { Role: ReplicaRole.Joining, Shard: { } joined } && topology.GroupOf(joined.Id) is var group && group != place ? group : null;
    }

    /// <summary>A fill for <paramref name="target"/> from its beginning: who has to give, when the replica's own place needs no transfer.</summary>
    public static Fill Begin(ClusterTopology topology, ReplicaGroup target, ReplicaGroup? place)
    {
        var isReshard = target.Layout > topology.Layout;
        var sources = isReshard
            ? topology.Shards.Select(shard => topology.GroupOf(shard.Id)).Where(group => group != place && topology.Concerns(group, target))
            : [target];
        return new(target, isReshard ? topology.Transition!.Begun : topology.Epoch, false, 0, [.. sources.Select(FillSource.Of)]);
    }

    /// <summary>
    /// A fill for the replica's own place: what the others' logs do not reach back to any more is pulled once more, while the replica goes on.
    /// </summary>
    public static Fill BeginAgain(ClusterTopology topology, ReplicaGroup place) => new(place, topology.Epoch, false, 0, [FillSource.Of(place)]);

    /// <summary>
    /// True when <paramref name="fill"/> is what the topology still asks for, and not left from an earlier reshard. One of the place itself gives way to one for a reshard, unless
    /// <paramref name="completesPlaceFirst"/>.
    /// </summary>
    public static bool IsWanted(Fill fill, ClusterTopology topology, NodeIdentity node, ReplicaGroup? place, bool completesPlaceFirst = false) => fill.Target == place
        ? (completesPlaceFirst || FillTargetOf(topology, node, place) is null) && place == AssignedTo(topology, node)
        : FillTargetOf(topology, node, place) == fill.Target
        && (fill.Target.Layout > topology.Layout ? fill.Since == topology.Transition!.Begun : fill.Sources is [var only] && only.Group == fill.Target);

    /// <summary>
    /// From where on the log of a replica that was filled for <paramref name="target"/> has every write to the target's keys: of each origin, after what came by any scan of a part
    /// that its group had to do with. Of its own part, <paramref name="sources"/> says from where on that was so before.
    /// </summary>
    public static VersionVector LoggedAfter(ClusterTopology topology, ReplicaGroup target, VersionVector held, IReadOnlyList<(ReplicaGroup Group, VersionVector Cut)> sources)
    {
        var scanned = new List<Dot>();
        foreach (var dot in held)
        {
            var last = sources.Where(source => Matters(topology, dot.Origin.Group, source.Group, target)).Select(source => source.Cut[dot.Origin]).DefaultIfEmpty().Max();
            if (last > 0) scanned.Add(dot with { Sequence = Math.Min(last, dot.Sequence) });
        }

        return VersionVector.Of(scanned);
    }

    /// <summary>
    /// What a replica holds of <paramref name="target"/>'s ranges when each of <paramref name="sources"/> says what it holds of the part that comes from it: of each origin,
    /// what all hold whose part its group had to do with. Two parts of a group that ended long ago may have come by different ways, and a write that
    /// was late may have taken only one of them.
    /// </summary>
    public static VersionVector Combine(ClusterTopology topology, ReplicaGroup target, IReadOnlyList<(ReplicaGroup Group, VersionVector Vector)> sources)
    {
        var concerned = new Dictionary<ReplicaGroup, List<VersionVector>>();
        var held = new List<Dot>();
        foreach (var dot in sources.Aggregate(VersionVector.Empty, (joined, source) => joined.Join(source.Vector)))
        {
            if (!concerned.TryGetValue(dot.Origin.Group, out var holders))
                concerned[dot.Origin.Group] = holders = [.. sources.Where(source => Matters(topology, dot.Origin.Group, source.Group, target)).Select(source => source.Vector)];
            if (holders.Count > 0 && holders.Min(vector => vector[dot.Origin]) is > 0 and var sequence) held.Add(dot with { Sequence = sequence });
        }

        return VersionVector.Of(held);
    }

    /// <summary>True when some arc belonged to all three, each in its layout: what <paramref name="past"/> wrote matters to what the source gives the target.</summary>
    public static bool Matters(ClusterTopology topology, ReplicaGroup past, ReplicaGroup source, ReplicaGroup target)
    {
        if (past == source) return topology.Concerns(source, target);
        var (ofPast, ofSource, ofTarget) = (topology.RingOf(past.Layout), topology.RingOf(source.Layout), topology.RingOf(target.Layout));
        for (var arc = 0; arc < ofPast.ArcCount; arc++)
        {
            if (ofPast.OwnerOfArc(arc) == past.Shard && ofSource.OwnerOfArc(arc) == source.Shard && ofTarget.OwnerOfArc(arc) == target.Shard) return true;
        }

        return false;
    }
}
