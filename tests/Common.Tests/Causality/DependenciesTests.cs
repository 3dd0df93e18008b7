using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Common.Tests.Causality;

public sealed class DependenciesTests
{
    private static readonly Gen<(Dependencies, Dependencies)> Two = Gen.Select(Generators.Dependencies, Generators.Dependencies);

    private static readonly Gen<Func<ShardId, VersionVector>> Stable =
        Generators.Vector.Array[3].Select(perShard => (Func<ShardId, VersionVector>)(shard => perShard[shard.Value]));

    [Fact]
    public void Join_is_commutative() => Two.Sample((a, b) => Assert.Equal(a.Join(b), b.Join(a)));

    [Fact]
    public void Join_is_associative() => Gen.Select(Generators.Dependencies, Generators.Dependencies, Generators.Dependencies)
        .Sample((a, b, c) => Assert.Equal(a.Join(b).Join(c), a.Join(b.Join(c))));

    [Fact]
    public void Join_is_idempotent() => Generators.Dependencies.Sample(a => Assert.Equal(a, a.Join(a)));

    [Fact]
    public void Nothing_is_the_neutral_element_of_the_join() => Generators.Dependencies.Sample(a =>
    {
        Assert.Equal(a, a.Join(Dependencies.None));
        Assert.Equal(a, Dependencies.None.Join(a));
    });

    [Fact]
    public void Join_joins_shard_by_shard() => Gen.Select(Two, Generators.Shard)
        .Sample((pair, shard) => Assert.Equal(pair.Item1.Of(shard).Join(pair.Item2.Of(shard)), pair.Item1.Join(pair.Item2).Of(shard)));

    [Fact]
    public void With_adds_the_dot_to_its_shard_and_leaves_the_others() => Gen.Select(Generators.Dependencies, Generators.Shard, Generators.Dot, Generators.Shard)
        .Sample((a, shard, dot, other) => Assert.Equal(other == shard ? a.Of(other).With(dot) : a.Of(other), a.With(shard, dot).Of(other)));

    [Fact]
    public void Prune_drops_what_is_stable_and_nothing_else() => Gen.Select(Generators.Dependencies, Stable, Generators.Shard)
        .Sample((a, stable, shard) => Assert.Equal(a.Of(shard).Where(dot => !stable(shard).Covers(dot)), a.Prune(stable).Of(shard)));

    [Fact]
    public void Prune_with_nothing_stable_changes_nothing() => Generators.Dependencies
        .Sample(a => Assert.Same(a, a.Prune(_ => VersionVector.Empty)));

    [Fact]
    public void What_was_pruned_and_what_is_stable_together_cover_all_there_was() => Gen.Select(Generators.Dependencies, Stable, Generators.Shard)
        .Sample((a, stable, shard) => Assert.True(a.Prune(stable).Of(shard).Join(stable(shard)).Covers(a.Of(shard))));

    [Fact]
    public void Shards_are_sorted_one_entry_each_and_never_empty() => Gen.Select(Two, Stable).Sample((pair, stable) =>
    {
        foreach (var all in (Dependencies[])[pair.Item1.Join(pair.Item2), pair.Item1.Prune(stable)])
        {
            Assert.Equal(all.Select(entry => entry.Shard).Distinct().Order(), all.Select(entry => entry.Shard));
            Assert.DoesNotContain(all, entry => entry.Dots.IsEmpty);
        }
    });

    [Fact]
    public void Equal_dependencies_have_equal_hash_codes() => Two.Sample((a, b) => Assert.Equal(a.Join(b).GetHashCode(), b.Join(a).GetHashCode()));
}
