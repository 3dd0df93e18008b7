using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Membership;

namespace Kv.Node.Tests.Membership;

/// <summary>Who comes, comes back, comes as another, or does not belong.</summary>
public class ReturningTests
{
    private static readonly Incarnation One = new(101);
    private static readonly ReplicaGroup Group = new(0, new(0));
    private static readonly Incarnation Other = new(102);

    private static readonly TimeSpan Retired = TimeSpan.FromSeconds(2);

    private static Heartbeat Beat(Incarnation incarnation, ulong sequence, ulong epoch = 1) => new(
        new(1), VirtualCluster.AddressOf(0), incarnation, new(epoch), 0, VersionVector.Of(new Dot(new(incarnation, Group), sequence)), Group, null, false, 0, 0, true, true);

    [Fact]
    public void At_the_start_nobody_but_oneself_is_in_the_view()
    {
        var cluster = new VirtualCluster(3);
        Assert.Equal([cluster[1].Address], cluster[1].View.LiveMembers);
        Assert.Equal(PeerState.Unknown, cluster[1].View.Find(cluster[0].Address)!.State);
        cluster.Advance(20);
        Assert.All(cluster.Running, node => Assert.Equal(3, node.View.LiveMembers.Length));
    }

    [Fact]
    public void A_node_that_never_came_is_not_accused()
    {
        var cluster = new VirtualCluster(3);
        cluster.Kill(2, silently: true);
        cluster.Advance(20_000);
        Assert.True(cluster.AllSee(2, PeerState.Unknown));
        Assert.Equal(0, cluster.Logged(3001, 3003));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_returning_node_is_alive_at_its_first_beat(bool silently)
    {
        var cluster = VirtualCluster.Formed(4);
        var incarnation = cluster[1].View.Find(cluster[0].Address)!.Incarnation;
        cluster.Kill(0, silently);
        cluster.Advance(30_000);
        Assert.True(cluster.AllSee(0, PeerState.Dead));

        cluster.Network.Heal();
        cluster.Start(0, incarnation);
        cluster.Advance(20);
        Assert.True(cluster.AllSee(0, PeerState.Alive));
        Assert.Equal(3, cluster.Logged(3004));
    }

    [Fact]
    public void A_node_that_returns_before_it_was_missed_was_never_gone()
    {
        var cluster = VirtualCluster.Formed(3);
        var incarnation = cluster[1].View.Find(cluster[0].Address)!.Incarnation;
        cluster.Kill(0, silently: false);
        cluster.Advance(1000);
        cluster.Start(0, incarnation);
        cluster.Advance(10_000);
        Assert.True(cluster.AllSee(0, PeerState.Alive));
        Assert.Equal(0, cluster.Logged(3001, 3003, 3005));
    }

    [Fact]
    public void Of_a_new_incarnation_nothing_is_believed_that_the_old_one_said()
    {
        var cluster = VirtualCluster.Formed(3);
        var observer = cluster[1];
        var address = cluster[0].Address;
        var old = observer.View.Find(address)!.Incarnation;
        cluster[0].Vector = VersionVector.Of(new Dot(new(old, Group), 7));
        cluster.Advance(600);
        Assert.Equal(cluster[0].Vector, observer.View.Find(address)!.Vector);

        cluster.Kill(0, silently: false);
        var reborn = cluster.Start(0);
        reborn.Vector = VersionVector.Of(new Dot(new(new(99), Group), 1));
        cluster.Advance(20);
        var seen = observer.View.Find(address)!;
        Assert.NotEqual(old, seen.Incarnation);
        Assert.Equal(reborn.Vector, seen.Vector);
        Assert.Equal(PeerState.Alive, seen.State);
        Assert.Equal(1, observer.Logged(3005));
    }

    [Fact]
    public void A_late_beat_does_not_bring_a_replaced_incarnation_back_but_one_after_a_while_does()
    {
        var peer = new PeerRecord(VirtualCluster.AddressOf(0), new(), Retired);
        Assert.Equal(PeerChange.Joined, peer.Take(Beat(One, 5), TimeSpan.Zero, 0));
        Assert.Equal(PeerChange.Replaced, peer.Take(Beat(Other, 1), TimeSpan.FromSeconds(1), 0));
        Assert.Equal(PeerChange.Ignored, peer.Take(Beat(One, 6), TimeSpan.FromSeconds(2.9), 0));
        Assert.Equal(Other, peer.Incarnation);
        Assert.Equal(PeerChange.Replaced, peer.Take(Beat(One, 6), TimeSpan.FromSeconds(3), 0));
        Assert.Equal(One, peer.Incarnation);
    }

    [Fact]
    public void Beats_that_overtake_each_other_take_nothing_back()
    {
        var peer = new PeerRecord(VirtualCluster.AddressOf(0), new(), Retired);
        peer.Take(Beat(One, 5, epoch: 3), TimeSpan.Zero, 0);
        peer.Take(Beat(One, 4, epoch: 2), TimeSpan.Zero, 0);
        var seen = peer.ToView(TimeSpan.Zero);
        Assert.Equal(new Epoch(3), seen.Epoch);
        Assert.Equal(5u, seen.Vector[new Origin(One, Group)]);
    }

    [Fact]
    public void An_answer_to_an_old_question_accuses_nobody()
    {
        var peer = new PeerRecord(VirtualCluster.AddressOf(0), new(), Retired);
        peer.Take(Beat(One, 1), TimeSpan.Zero, 0);
        Assert.True(peer.BecomesSuspect(TimeSpan.FromSeconds(3)));
        var first = peer.BeginProbe(TimeSpan.FromSeconds(4));
        Assert.True(peer.IsAwaiting(first));
        Assert.Equal(PeerChange.Cleared, peer.Take(Beat(One, 1), TimeSpan.FromSeconds(3.1), 0));
        Assert.False(peer.IsAwaiting(first));
        Assert.True(peer.BecomesSuspect(TimeSpan.FromSeconds(9)));
        Assert.False(peer.IsAwaiting(first));
    }

    [Fact]
    public void A_peer_that_comes_back_is_judged_as_if_it_had_come_for_the_first_time()
    {
        var fresh = new PeerRecord(VirtualCluster.AddressOf(0), new(), Retired);
        fresh.Take(Beat(One, 1), TimeSpan.Zero, 0);
        var back = new PeerRecord(VirtualCluster.AddressOf(0), new(), Retired);
        back.Take(Beat(One, 1), TimeSpan.FromSeconds(-30), 0);
        Assert.True(back.BecomesSuspect(TimeSpan.FromSeconds(-27)));
        back.Accuse();
        Assert.Equal(PeerChange.Returned, back.Take(Beat(One, 1), TimeSpan.Zero, 0));
        Assert.Equal(fresh.ToView(TimeSpan.FromSeconds(1.5)).Suspicion, back.ToView(TimeSpan.FromSeconds(1.5)).Suspicion);
    }

    [Fact]
    public void A_foreign_cluster_is_refused_by_both_sides_and_named_once()
    {
        var cluster = VirtualCluster.Formed(3);
        var incarnation = cluster[1].View.Find(cluster[0].Address)!.Incarnation;
        cluster.Kill(0, silently: false);
        cluster.Advance(5000);
        var foreign = cluster.Start(0, incarnation, Genesis.Provisional([.. cluster.Topology.Members], 2));
        cluster.Advance(20_000);

        Assert.True(cluster.AllSee(0, PeerState.Dead));
        Assert.Equal([foreign.Address], foreign.View.LiveMembers);
        Assert.Equal(2, cluster[1].Logged(3030) + cluster[2].Logged(3030));
        Assert.Equal(2, foreign.Logged(3030));
    }

    [Fact]
    public void A_copy_of_ones_own_data_elsewhere_is_refused()
    {
        var cluster = VirtualCluster.Formed(2);
        var own = cluster[0].View.Find(cluster[1].Address)!.Incarnation;
        var twin = cluster[1].Next() with { From = VirtualCluster.AddressOf(7), Incarnation = own };
        Assert.False(cluster[1].Gate.Admits(twin, dialled: null));
        Assert.False(cluster[1].Gate.Admits(cluster[0].Next() with { From = cluster[1].Address }, dialled: null));
        Assert.False(cluster[1].Gate.Admits(cluster[0].Next(), dialled: VirtualCluster.AddressOf(7)));
        Assert.True(cluster[1].Gate.Admits(cluster[0].Next(), dialled: cluster[0].Address));
    }
}
