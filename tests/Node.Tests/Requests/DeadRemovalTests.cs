using Kv.Node.Peers;
using Kv.Node.Tests.VirtualTime;
using Kv.Node.Topology;
using static Kv.Node.Tests.Requests.ShardOfFour;

namespace Kv.Node.Tests.Requests;

/// <summary>Anna has Ben removed, who is dead for long.</summary>
public sealed class DeadRemovalTests : IDisposable
{
    private static readonly TopologyOptions Options = new() { RemoveDeadAfter = TimeSpan.FromSeconds(10) };

    private readonly VirtualClock _clock = new();
    private readonly ShardOfFour _shard;

    public DeadRemovalTests()
    {
        _shard = new(_clock, Options);
        _ = _shard.Start(_shard.Removal.RunAsync);
    }

    public void Dispose() => _shard.Dispose();

    [Fact]
    public void A_member_that_stays_dead_is_removed()
    {
        _clock.Advance(Options.RemoveDeadAfter - TimeSpan.FromSeconds(1));
        Assert.True(_shard.Now.Includes(Ben));
        _clock.AdvanceUntil(() => !_shard.Now.Includes(Ben), TimeSpan.FromSeconds(10));
        Assert.Equal([Anna, Carla, Dora], _shard.Now.ShardOf(Anna)!.Members);
    }

    [Fact]
    public void One_that_is_back_when_its_removal_is_about_to_be_voted_for_keeps_its_place()
    {
        var asked = false;
        _shard.IsBackAt = request => request is ControlRequest.Prepare && (asked = true);
        _clock.AdvanceUntil(() => asked, TimeSpan.FromSeconds(20));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(All, _shard.Now.ShardOf(Anna)!.Members);
    }

    [Fact]
    public void One_that_some_other_hears_keeps_its_place_until_nobody_does()
    {
        _shard.Hears = static witness => witness.Equals(Dora);
        _clock.Advance(Options.RemoveDeadAfter * 4);
        Assert.Equal(All, _shard.Now.ShardOf(Anna)!.Members);
        _shard.Hears = static _ => false;
        _clock.AdvanceUntil(() => !_shard.Now.Includes(Ben), Options.RemoveDeadAfter * 2);
    }

    [Fact]
    public void One_that_answers_keeps_its_place()
    {
        _shard.BenAnswers = true;
        _clock.Advance(Options.RemoveDeadAfter * 4);
        Assert.Equal(All, _shard.Now.ShardOf(Anna)!.Members);
    }

    [Fact]
    public void One_of_whom_too_few_say_anything_keeps_its_place()
    {
        _shard.Hears = static witness => throw new PeerUnavailableException(witness, "is silent");
        _clock.Advance(Options.RemoveDeadAfter * 4);
        Assert.Equal(All, _shard.Now.ShardOf(Anna)!.Members);
    }

    // What was between: a member that serves no more and is not removed either, for good when whoever removes it stops there.
    [Fact]
    public void Its_removal_is_one_change()
    {
        var before = _shard.Now.Epoch;
        _clock.AdvanceUntil(() => !_shard.Now.Includes(Ben), TimeSpan.FromSeconds(20));
        Assert.Equal(before.Next, _shard.Now.Epoch);
    }
}
