using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Node.Membership;

namespace Kv.Node.Tests.Membership;

/// <summary>A node that ends by itself says so: nobody has to find out by its silence.</summary>
public class LeavingTests
{
    // A beat there and its answer back, and a turn of the loop; far below the half second between beats.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);

    public static TheoryData<int> Seeds => [1, 2, 3, 4];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void One_that_leaves_is_out_of_every_view_at_once_and_can_still_be_reached(int seed)
    {
        var cluster = VirtualCluster.Formed(4, seed);
        var leaving = cluster[1];
        leaving.Announce(DepartureStage.Leaving);
        cluster.AdvanceUntil(() => Others(cluster, 1).All(node => !node.View.LiveMembers.Contains(leaving.Address)), Moment);
        Assert.All(Others(cluster, 1), node => Assert.True(node.View.IsReachable(leaving.Address)));
        Assert.Contains(leaving.Address, leaving.View.LiveMembers);
        Assert.Equal(3, cluster.Logged(3012));

        cluster.Advance(10_000);
        Assert.Equal(3, cluster.Logged(3012));
        Assert.Equal(0, cluster.Logged(3001, 3003));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void One_that_is_gone_is_dead_to_all_at_once_and_knows_that_they_have_heard(int seed)
    {
        var cluster = VirtualCluster.Formed(4, seed);
        cluster[1].Announce(DepartureStage.Gone);
        cluster.AdvanceUntil(() => cluster.AllSee(1, PeerState.Dead), Moment);
        cluster.AdvanceUntil(() => cluster[1].Departure.Current.Current.Heard.Count == 3, Moment);

        // What it says afterwards over the other streams does not bring it back, and what it answered is not cut off.
        cluster.Advance(2000);
        Assert.True(cluster.AllSee(1, PeerState.Dead));
        Assert.Equal(0, cluster.Logged(3001, 3003, 3004));
        Assert.Empty(cluster.Network.Resets);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Started_again_it_is_back_with_its_first_beat(int seed)
    {
        var cluster = VirtualCluster.Formed(4, seed);
        cluster[1].Announce(DepartureStage.Gone);
        cluster.AdvanceUntil(() => cluster.AllSee(1, PeerState.Dead), Moment);
        cluster.Kill(1, silently: false);
        cluster.Advance(300);
        cluster.Start(1, new Incarnation(2));
        cluster.AdvanceUntil(() => cluster.AllSee(1, PeerState.Alive) && cluster.Running.All(node => node.View.LiveMembers.Length == 4), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void An_earlier_beat_that_comes_after_the_last_one_brings_nobody_back()
    {
        var cluster = VirtualCluster.Formed(2);
        var peer = new PeerRecord(cluster[1].Address, new(), TimeSpan.FromSeconds(3));
        var at = TimeSpan.FromSeconds(1);
        Assert.Equal(PeerChange.Joined, peer.Take(Beat(DepartureStage.Staying, 1000), at, 0));
        Assert.Equal(PeerChange.Leaving, peer.Take(Beat(DepartureStage.Leaving, 2000), at, 0));
        Assert.Equal(PeerChange.None, peer.Take(Beat(DepartureStage.Staying, 1500), at, 0));
        Assert.Equal(DepartureStage.Leaving, peer.ToView(at).Departure);
        Assert.Equal(PeerChange.Gone, peer.Take(Beat(DepartureStage.Gone, 3000), at, 0));
        Assert.Equal(PeerChange.Ignored, peer.Take(Beat(DepartureStage.Leaving, 2500), at, 0));
        Assert.Equal(PeerChange.Ignored, peer.Take(Beat(DepartureStage.Staying, 1900), at, 0));
        Assert.Equal(PeerChange.Ignored, peer.Take(Beat(DepartureStage.Gone, 3100), at, 0));
        Assert.Equal(PeerState.Dead, peer.State);

        Assert.Equal(PeerChange.Returned, peer.Take(Beat(DepartureStage.Staying, 3500), at, 0));
        Assert.Equal(DepartureStage.Staying, peer.ToView(at).Departure);

        Heartbeat Beat(DepartureStage stage, long sent) => cluster[1].Next() with { Departure = stage, SentUnixMs = sent };
    }

    private static IEnumerable<VirtualNode> Others(VirtualCluster cluster, int index) => cluster.Running.Where(node => node != cluster[index]);
}
