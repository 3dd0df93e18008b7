using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Tests;

/// <summary>Values from small pools, so that random ones often meet: same origin, same shard, equal and neighbouring sequences.</summary>
internal static class Generators
{
    public static readonly Gen<Incarnation> Incarnation = Gen.ULong[1, 4].Select(id => new Incarnation(id));

    public static readonly Gen<ShardId> Shard = Gen.Int[0, 2].Select(id => new ShardId(id));

    public static readonly Gen<Dot> Dot = Gen.Select(Incarnation, Gen.ULong[1, 6], (origin, sequence) => new Dot(origin, sequence));

    public static readonly Gen<VersionVector> Vector = Dot.Array[0, 6].Select(dots => VersionVector.Of(dots));

    public static readonly Gen<Dependencies> Dependencies = DependenciesOf(Dot);

    public static readonly Gen<HybridTimestamp> Stamp =
        Gen.OneOf(Gen.ULong[0, 3], Gen.ULong[(1UL << 16) - 2, (1UL << 16) + 2], Gen.ULong).Select(packed => new HybridTimestamp(packed));

    /// <summary>Tokens with numbers of every size, also the greatest.</summary>
    public static readonly Gen<CausalToken> Token = Gen.Select(
        AnySize,
        Stamp,
        DependenciesOf(Gen.Select(AnySize, AnySize, (origin, sequence) => new Dot(new(Math.Max(origin, 1)), Math.Max(sequence, 1)))),
        (epoch, stamp, dependencies) => new CausalToken(new(epoch), stamp, dependencies));

    private static Gen<ulong> AnySize => Gen.Select(Gen.ULong, Gen.Int[0, 63], (bits, shift) => bits >> shift);

    private static Gen<Dependencies> DependenciesOf(Gen<Dot> dot) =>
        Gen.Select(Shard, dot).Array[0, 8].Select(dots => dots.Aggregate(Kv.Common.Causality.Dependencies.None, (all, next) => all.With(next.Item1, next.Item2)));
}
