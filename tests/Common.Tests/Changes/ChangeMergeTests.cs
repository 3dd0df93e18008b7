using Kv.Common.Causality;
using Kv.Common.Changes;
using Kv.Common.Identity;

namespace Kv.Common.Tests.Changes;

public sealed class ChangeMergeTests
{
    // Rounds during which the world goes on, and worlds looked at: each takes a millisecond.
    private const int Lively = 20;
    private const int Looked = 400;

    private static readonly Gen<(int Shards, int Most, int Seed)> Worlds = Gen.Select(Gen.Int[1, 3], Gen.Int[1, 6], Gen.Int);

    [Fact]
    public void Every_change_comes_and_after_all_that_it_depends_on_whatever_its_token_still_names() => Worlds.Sample((shards, most, seed) =>
    {
        var told = Follow(shards, most, new Random(seed), out var world);
        Assert.Equal(world.Past.Keys.Order(), told.Distinct().Order());
        var before = new HashSet<Dot>();
        foreach (var dot in told)
        {
            Assert.Superset(world.Past[dot], before);
            before.Add(dot);
        }
    }, iter: Looked);

    [Fact]
    public void Who_goes_on_elsewhere_from_what_was_passed_misses_nothing() => Worlds.Sample((shards, most, seed) =>
    {
        var told = Follow(shards, most, new Random(seed), out var world, isRestarted: true);
        Assert.Equal(world.Past.Keys.Order(), told.Distinct().Order());
    }, iter: Looked);

    [Fact]
    public void What_is_asked_of_the_same_replicas_comes_once() => Worlds.Sample((shards, most, seed) =>
    {
        var told = Follow(shards, most, new Random(seed), out _, isFaithful: true);
        Assert.Equal(told.Count, told.Distinct().Count());
    }, iter: Looked);

    [Fact]
    public void Nothing_comes_while_a_shard_is_silent()
    {
        var world = new ShardedWorld(2, new Random(1));
        for (var i = 0; i < 20; i++) world.Step();
        var merge = new ChangeMerge(world.Groups, (writer, owner) => writer == owner, VersionVector.Empty);
        merge.BeginRound();
        merge.Take(merge.Lanes[0], world.Ask(0, 0, VersionVector.Empty, 10));
        Assert.False(merge.TryNext(Epoch.First, _ => false, out _, out _));
        Assert.Equal(Hindrance.Silence, merge.Hindrance);
    }

    [Fact]
    public void A_change_made_under_a_newer_topology_waits_for_it()
    {
        var world = new ShardedWorld(1, new Random(1));
        for (var i = 0; i < 20; i++) world.Step();
        var merge = new ChangeMerge(world.Groups, (writer, owner) => writer == owner, VersionVector.Empty);
        merge.BeginRound();
        merge.Take(merge.Lanes[0], world.Ask(0, 0, VersionVector.Empty, 10));
        Assert.False(merge.TryNext(default, _ => false, out _, out _));
        Assert.Equal(Hindrance.Epoch, merge.Hindrance);
        Assert.True(merge.TryNext(Epoch.First, _ => false, out _, out _));
    }

    // The world goes on between any two questions of a round, and after the end everybody is brought up to date.
    private static List<Dot> Follow(int shards, int most, Random random, out ShardedWorld world, bool isRestarted = false, bool isFaithful = false)
    {
        world = new(shards, random);
        var merge = new ChangeMerge(world.Groups, (writer, owner) => writer == owner, VersionVector.Empty);
        var told = new List<Dot>();
        for (var round = 0; round <= Lively || merge.Hindrance is not Hindrance.Nothing; round++)
        {
            Assert.True(round < 1000, $"It waits for ever: {merge.Hindrance} {merge.Missing}");
            if (round == Lively) world.SynchronizeAll();
            if (isRestarted && random.Next(4) == 0) merge = new(world.Groups, (writer, owner) => writer == owner, merge.Passed);
            merge.BeginRound();
            foreach (var shard in Enumerable.Range(0, shards).OrderBy(_ => random.Next()))
            {
                for (var steps = round < Lively ? random.Next(4) : 0; steps > 0; steps--) world.Step();
                merge.Take(merge.Lanes[shard], world.Ask(shard, isFaithful ? 0 : random.Next(ShardedWorld.Replicas), merge.Lanes[shard].Passed, most));
            }

            while (merge.TryNext(Epoch.First, _ => false, out var record, out _)) told.Add(record.Dot);
        }

        return told;
    }
}
