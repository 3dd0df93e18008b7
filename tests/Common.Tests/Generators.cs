using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Tests;

/// <summary>Values from small pools, so that random ones often meet: same origin, same group, equal and neighbouring sequences.</summary>
internal static class Generators
{
    public static readonly Gen<Incarnation> Incarnation = Gen.ULong[1, 4].Select(id => new Incarnation(id));

    public static readonly Gen<ShardId> Shard = Gen.Int[0, 2].Select(id => new ShardId(id));

    public static readonly Gen<ReplicaGroup> Group = Gen.Select(Gen.Int[0, 1], Shard, (layout, shard) => new ReplicaGroup(layout, shard));

    public static readonly Gen<Origin> Origin = Gen.Select(Incarnation, Group, (incarnation, group) => new Origin(incarnation, group));

    public static readonly Gen<Dot> Dot = Gen.Select(Origin, Gen.ULong[1, 6], (origin, sequence) => new Dot(origin, sequence));

    public static readonly Gen<VersionVector> Vector = Dot.Array[0, 6].Select(dots => VersionVector.Of(dots));

    public static readonly Gen<HybridTimestamp> Stamp =
        Gen.OneOf(Gen.ULong[0, 3], Gen.ULong[(1UL << 16) - 2, (1UL << 16) + 2], Gen.ULong).Select(packed => new HybridTimestamp(packed));

    /// <summary>Vectors with numbers of every size, also the greatest, often with several origins of a group.</summary>
    public static readonly Gen<VersionVector> WideVector = Gen.Select(Gen.OneOf(Group, Gen.UInt.Select(group => new ReplicaGroup(group))), AnySize, AnySize)
        .Array[0, 8]
        .Select(dots => VersionVector.Of(dots.Select(dot => new Dot(new(new(Math.Max(dot.Item2, 1)), dot.Item1), Math.Max(dot.Item3, 1)))));

    /// <summary>Tokens with numbers of every size, also the greatest.</summary>
    public static readonly Gen<CausalToken> Token =
        Gen.Select(AnySize, Stamp, WideVector, (epoch, stamp, dependencies) => new CausalToken(new(epoch), stamp, dependencies));

    private static Gen<ulong> AnySize => Gen.Select(Gen.ULong, Gen.Int[0, 63], (bits, shift) => bits >> shift);
}
