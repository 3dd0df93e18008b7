using Kv.Common.Causality;

namespace Kv.Common.Tests.Causality;

public sealed class VersionVectorTests
{
    private static readonly Gen<(VersionVector, VersionVector)> Two = Gen.Select(Generators.Vector, Generators.Vector);
    private static readonly Gen<(VersionVector, VersionVector, VersionVector)> Three = Gen.Select(Generators.Vector, Generators.Vector, Generators.Vector);

    [Fact]
    public void Join_is_commutative() => Two.Sample((a, b) => Assert.Equal(a.Join(b), b.Join(a)));

    [Fact]
    public void Join_is_associative() => Three.Sample((a, b, c) => Assert.Equal(a.Join(b).Join(c), a.Join(b.Join(c))));

    [Fact]
    public void Join_is_idempotent() => Generators.Vector.Sample(a => Assert.Equal(a, a.Join(VersionVector.Of(a))));

    [Fact]
    public void Nothing_is_the_neutral_element_of_the_join() => Generators.Vector.Sample(a =>
    {
        Assert.Equal(a, a.Join(VersionVector.Empty));
        Assert.Equal(a, VersionVector.Empty.Join(a));
    });

    [Fact]
    public void Covering_is_the_order_of_the_join() => Two.Sample((a, b) => Assert.Equal(a.Join(b).Equals(a), a.Covers(b)));

    [Fact]
    public void Covering_a_vector_is_covering_each_of_its_dots() => Two.Sample((a, b) => Assert.Equal(b.All(a.Covers), a.Covers(b)));

    [Fact]
    public void Join_is_the_least_upper_bound() => Three.Sample((a, b, c) =>
    {
        Assert.True(a.Join(b).Covers(a) && a.Join(b).Covers(b));
        Assert.Equal(c.Covers(a) && c.Covers(b), c.Covers(a.Join(b)));
    });

    [Fact]
    public void Meet_is_the_greatest_lower_bound() => Three.Sample((a, b, c) =>
    {
        Assert.True(a.Covers(a.Meet(b)) && b.Covers(a.Meet(b)));
        Assert.Equal(a.Covers(c) && b.Covers(c), a.Meet(b).Covers(c));
        Assert.Equal(a.Meet(b), b.Meet(a));
    });

    [Fact]
    public void With_is_the_join_with_one_dot() => Gen.Select(Generators.Vector, Generators.Dot).Sample((a, dot) =>
    {
        Assert.True(a.With(dot).Covers(dot));
        Assert.Equal(a.Join(VersionVector.Of(dot)), a.With(dot));
    });

    [Fact]
    public void Without_keeps_exactly_the_entries_that_the_other_does_not_cover() => Two.Sample((a, b) =>
    {
        Assert.Equal(a.Where(dot => !b.Covers(dot)), a.Without(b));
        Assert.Equal(a.Join(b), a.Without(b).Join(b));
    });

    [Fact]
    public void Vectors_of_the_same_dots_are_equal_in_whatever_order_they_came() => Generators.Dot.Array[0, 8].Sample(dots =>
    {
        var forwards = VersionVector.Of(dots);
        var backwards = dots.Reverse().Aggregate(VersionVector.Empty, (vector, dot) => vector.With(dot));
        Assert.Equal(forwards, backwards);
        Assert.Equal(forwards.GetHashCode(), backwards.GetHashCode());
        Assert.All(dots, dot => Assert.True(forwards.Covers(dot)));
    });

    [Fact]
    public void Entries_are_sorted_by_origin_one_each_and_never_zero() => Two.Sample((a, b) =>
    {
        foreach (var vector in (VersionVector[])[a.Join(b), a.Meet(b), a.Without(b)])
        {
            Assert.Equal(vector.Select(dot => dot.Origin).Distinct().Order(), vector.Select(dot => dot.Origin));
            Assert.DoesNotContain(vector, dot => dot.Sequence == 0);
        }
    });

    [Fact]
    public void Origins_are_ordered_by_group_first() => Generators.Dot.Array[0, 8].Sample(dots =>
    {
        var vector = VersionVector.Of(dots);
        Assert.Equal(vector.OrderBy(dot => dot.Origin.Group.Layout).ThenBy(dot => dot.Origin.Group.Shard.Value).ThenBy(dot => dot.Origin.Incarnation.Value), vector);
    });

    [Fact]
    public void The_same_incarnation_in_two_groups_is_two_origins() => Gen.Select(Generators.Vector, Generators.Dot, Generators.Group).Sample((a, dot, group) =>
    {
        var elsewhere = dot with { Origin = dot.Origin with { Group = group } };
        if (elsewhere.Origin == dot.Origin) return;
        Assert.Equal(a[elsewhere.Origin], a.With(dot)[elsewhere.Origin]);
        Assert.False(VersionVector.Of(dot).Covers(elsewhere));
    });

    [Fact]
    public void A_vector_is_the_join_of_what_it_says_of_some_groups_and_of_the_others() => Gen.Select(Generators.Vector, Generators.Group).Sample((a, pivot) =>
    {
        var (some, others) = (a.OfGroups(group => group.CompareTo(pivot) < 0), a.OfGroups(group => group.CompareTo(pivot) >= 0));
        Assert.Equal(a.Where(dot => dot.Origin.Group.CompareTo(pivot) < 0), some);
        Assert.Equal(a, some.Join(others));
        Assert.Equal(a, others.Join(some));
        Assert.True(some.Meet(others).IsEmpty);
        Assert.Same(a, a.OfGroups(_ => true));
        Assert.Same(VersionVector.Empty, a.OfGroups(_ => false));
    });

    [Fact]
    public void Choosing_groups_goes_with_join_and_order() => Gen.Select(Generators.Vector, Generators.Vector, Generators.Group).Sample((a, b, only) =>
    {
        Assert.Equal(a.Join(b).OfGroups(group => group == only), a.OfGroups(group => group == only).Join(b.OfGroups(group => group == only)));
        if (a.Covers(b)) Assert.True(a.OfGroups(group => group == only).Covers(b.OfGroups(group => group == only)));
    });
}
