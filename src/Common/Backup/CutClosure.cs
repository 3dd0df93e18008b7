using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Backup;

/// <summary>
/// What each shard's part of a backup must hold, so that all of them together are causally closed: of every write in it, everything that the write depends on. A calculation; docs/protocols/backup.md has
/// the proof. Parts only grow, and whatever they lack lies in the causal past of what they have, so it comes to an end.
/// </summary>
public sealed class CutClosure
{
    private readonly ClusterTopology _topology;
    private readonly Dictionary<ReplicaGroup, VersionVector> _held;
    private VersionVector _needed = VersionVector.Empty;

    /// <param name="topology">Says which dots concern which part.</param>
    /// <param name="held">What each part holds, as its snapshot was taken.</param>
    public CutClosure(ClusterTopology topology, IEnumerable<BackupPart> held)
    {
        _topology = topology;
        _held = held.ToDictionary(part => part.Group, part => part.Vector);
    }

    /// <summary>What the parts hold, by group.</summary>
    public ImmutableArray<BackupPart> Parts => [.. _held.OrderBy(part => part.Key).Select(part => new BackupPart(part.Key, part.Value))];

    /// <summary>The parts that lack something that was needed, each with what it must hold; empty when they are closed.</summary>
    public ImmutableArray<BackupPart> Lacking =>
        [.. Parts.Select(part => part with { Vector = _topology.Concerning(part.Group, _needed).Without(part.Vector) }).Where(part => !part.Vector.IsEmpty)];

    /// <summary>Some of what the parts hold depends on that.</summary>
    public void Need(VersionVector dependencies) => _needed = _needed.Join(dependencies);

    /// <summary>A part holds that as well.</summary>
    public void Extend(ReplicaGroup group, VersionVector held) => _held[group] = _held[group].Join(held);

    /// <summary>Those of <paramref name="dependencies"/> that <paramref name="parts"/> do not hold although they concern them; allocates nothing when there are none.</summary>
    public static VersionVector Missing(ClusterTopology topology, ImmutableArray<BackupPart> parts, VersionVector dependencies)
    {
        var missing = VersionVector.Empty;
        for (var i = 0; i < dependencies.Count; i++)
        {
            foreach (var part in parts)
            {
                if (!part.Vector.Covers(dependencies[i]) && topology.Concerns(dependencies[i].Origin.Group, part.Group)) missing = missing.With(dependencies[i]);
            }
        }

        return missing;
    }
}
