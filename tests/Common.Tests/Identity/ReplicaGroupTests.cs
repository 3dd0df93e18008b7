using Kv.Common.Identity;

namespace Kv.Common.Tests.Identity;

public sealed class ReplicaGroupTests
{
    private static readonly Gen<(int Layout, int Shard)> Groups = Gen.Select(Gen.Int[0, (1 << 20) - 1], Gen.Int[0, 4095]);

    [Fact]
    public void A_group_is_its_layout_and_its_shard() => Groups.Sample(pair =>
    {
        var group = new ReplicaGroup(pair.Layout, new(pair.Shard));
        Assert.Equal(pair, (group.Layout, group.Shard.Value));
        Assert.Equal(group, new(group.Value));
        Assert.Equal($"{pair.Layout}.{pair.Shard}", group.ToString());
    });

    [Fact]
    public void Groups_are_ordered_by_layout_then_shard() => Gen.Select(Groups, Groups).Sample((one, other) => Assert.Equal(
        Math.Sign(one.CompareTo(other)), Math.Sign(new ReplicaGroup(one.Layout, new(one.Shard)).CompareTo(new(other.Layout, new(other.Shard))))));

    [Fact]
    public void A_group_of_the_first_layout_has_the_number_of_its_shard() => Assert.Equal(17u, new ReplicaGroup(0, new(17)).Value);

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(1 << 20, 0)]
    [InlineData(0, -1)]
    [InlineData(0, 4096)]
    public void There_are_no_others(int layout, int shard) => Assert.Throws<ArgumentOutOfRangeException>(() => new ReplicaGroup(layout, new(shard)));
}
