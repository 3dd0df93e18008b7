using Kv.Common.Identity;
using Kv.Common.Membership;

namespace Kv.Node.Tests.Membership;

/// <summary>Who is held dead, when, and who is not. Each law is tried over several seeds, which shift the phases of the beats.</summary>
public class DetectionTests
{
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(3);

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_killed_machine_leaves_every_view_within_the_bound(int seed)
    {
        var cluster = VirtualCluster.Formed(6, seed);
        cluster.Kill(seed % 6, silently: true);
        var took = cluster.AdvanceUntil(() => cluster.AllSee(seed % 6, PeerState.Dead), Promise);
        Assert.InRange(took, cluster.Options.Detector.ShortestSilence - cluster.Options.HeartbeatInterval, cluster.Options.DetectionBound);
        Assert.All(cluster.Running, node => Assert.Equal(5, node.View.LiveMembers.Length));
        Assert.Equal(cluster.Running.Select(node => (node.Address, VirtualCluster.AddressOf(seed % 6))), cluster.Network.Resets.Distinct().Order());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_killed_process_leaves_every_view_within_the_bound(int seed)
    {
        var cluster = VirtualCluster.Formed(6, seed);
        cluster.Kill(seed % 6, silently: false);
        var took = cluster.AdvanceUntil(() => cluster.AllSee(seed % 6, PeerState.Dead), Promise);
        Assert.True(took <= cluster.Options.DetectionBound, took.ToString());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Two_that_die_together_cannot_vouch_for_each_other(int seed)
    {
        var cluster = VirtualCluster.Formed(4, seed);
        cluster.Kill(1, silently: true);
        cluster.Kill(2, silently: true);
        var took = cluster.AdvanceUntil(() => cluster.AllSee(1, PeerState.Dead) && cluster.AllSee(2, PeerState.Dead), Promise);
        Assert.True(took <= cluster.Options.DetectionBound, took.ToString());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_peer_with_irregular_beats_is_dropped_within_the_bound_all_the_same(int seed)
    {
        var cluster = VirtualCluster.Formed(5, seed);
        Starve(cluster, new(seed), TimeSpan.FromSeconds(20), longestPauseMs: 900);
        cluster.Kill(0, silently: true);
        var took = cluster.AdvanceUntil(() => cluster.AllSee(0, PeerState.Dead), Promise);
        Assert.True(took <= cluster.Options.DetectionBound, took.ToString());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nodes_that_are_starved_for_up_to_a_second_at_a_time_suspect_nobody(int seed)
    {
        var cluster = VirtualCluster.Formed(6, seed);
        Starve(cluster, new(seed), TimeSpan.FromSeconds(60), longestPauseMs: 1000);
        Assert.Equal(0, cluster.Logged(3001, 3003));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_node_that_stood_still_accuses_nobody_and_is_taken_back_at_its_first_beat(int seed)
    {
        var cluster = VirtualCluster.Formed(4, seed);
        cluster[0].Process.IsPaused = true;
        cluster.Advance(5000);
        Assert.True(cluster.AllSee(0, PeerState.Dead));

        cluster[0].Process.IsPaused = false;
        var took = cluster.AdvanceUntil(() => cluster.AllSee(0, PeerState.Alive), TimeSpan.FromSeconds(2));
        cluster.Advance(5000);
        Assert.True(took <= cluster.Options.ReconnectMax, took.ToString());
        Assert.Equal(1, cluster[0].Logged(3008));
        Assert.Equal(0, cluster[0].Logged(3001));
        Assert.Equal(0, cluster[0].Logged(3003));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_pause_excuses_no_silence_after_it(int seed)
    {
        var cluster = VirtualCluster.Formed(2, seed);
        cluster[0].Process.IsPaused = true;
        cluster.Advance(1500);
        // The last that is ever heard of 1 is in the mailbox when 0 runs again and notices that it was paused.
        var last = cluster[1].Next();
        cluster.Kill(1, silently: false);
        cluster[0].Membership.Heard(last);
        cluster[0].Process.IsPaused = false;
        var took = cluster.AdvanceUntil(() => cluster.AllSee(1, PeerState.Dead), Promise);
        Assert.True(took <= cluster.Options.DetectionBound, took.ToString());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_witness_that_stood_still_does_not_vouch_for_what_it_hears_late(int seed)
    {
        var cluster = VirtualCluster.Formed(3, seed);
        cluster[2].Process.IsPaused = true;
        cluster.Advance(3000);
        // Its kernel has taken in what 1 sent before it died, and hands it over when 0 asks.
        var last = cluster[1].Next();
        cluster.Kill(1, silently: true);
        cluster.Advance(1500);
        cluster[2].Membership.Heard(last);
        cluster[2].Process.IsPaused = false;
        var left = Promise - TimeSpan.FromMilliseconds(1500);
        cluster.AdvanceUntil(() => !cluster[0].View.IsLive(VirtualCluster.AddressOf(1)), left);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_peer_that_others_hear_stays_in_the_view_but_is_not_reachable(int seed)
    {
        var cluster = VirtualCluster.Formed(4, seed);
        var (a, b) = (cluster[0], cluster[1]);
        cluster.Network.CutBoth(a.Address, b.Address);
        cluster.AdvanceUntil(() => a.StateOf(b.Address) is PeerState.Suspect && b.StateOf(a.Address) is PeerState.Suspect, Promise);
        for (var i = 0; i < 300; i++)
        {
            cluster.Advance(100);
            Assert.True(a.View.IsLive(b.Address));
            Assert.False(a.View.IsReachable(b.Address));
            Assert.Equal(4, a.View.LiveMembers.Length);
        }

        cluster.Network.Heal();
        cluster.AdvanceUntil(() => a.View.IsReachable(b.Address) && b.View.IsReachable(a.Address), Promise);
        Assert.Equal(0, cluster.Logged(3003));
    }

    [Fact]
    public void A_witness_that_stops_hearing_the_suspect_ends_its_grace()
    {
        var cluster = VirtualCluster.Formed(3);
        cluster.Network.CutBoth(cluster[0].Address, cluster[1].Address);
        cluster.Advance(10_000);
        Assert.Equal(PeerState.Suspect, cluster[0].StateOf(VirtualCluster.AddressOf(1)));
        cluster.Kill(1, silently: true);
        cluster.AdvanceUntil(() => cluster.AllSee(1, PeerState.Dead), Promise);
    }

    [Fact]
    public void A_node_that_is_cut_off_from_everyone_is_alone_in_its_view_and_absent_from_the_others()
    {
        var cluster = VirtualCluster.Formed(4);
        for (var i = 1; i < 4; i++) cluster.Network.CutBoth(cluster[0].Address, cluster[i].Address);
        cluster.AdvanceUntil(() => cluster.AllSee(0, PeerState.Dead) && cluster[0].View.LiveMembers.Length == 1, Promise);
        Assert.Equal([cluster[0].Address], cluster[0].View.LiveMembers);

        cluster.Network.Heal();
        cluster.AdvanceUntil(() => cluster.Running.All(node => node.View.LiveMembers.Length == 4), Promise);
    }

    [Fact]
    public void One_direction_is_enough_to_be_heard_but_not_for_both()
    {
        var cluster = VirtualCluster.Formed(2);
        cluster.Network.Cut(cluster[0].Address, cluster[1].Address);
        // What 1 sends still arrives while its old stream lasts; 1 hears nothing, and there is nobody to ask.
        cluster.AdvanceUntil(() => cluster[1].StateOf(cluster[0].Address) is PeerState.Dead, Promise);
        Assert.Equal([cluster[1].Address], cluster[1].View.LiveMembers);
    }

    [Fact]
    public void A_node_testifies_only_to_what_it_heard_lately()
    {
        var cluster = VirtualCluster.Formed(3);
        var witness = cluster[0].Membership;
        Assert.True(witness.Hears(cluster[1].Address));
        Assert.True(witness.Hears(cluster[0].Address));
        Assert.False(witness.Hears(NodeAddress.Parse("10.10.0.99:8080")));

        cluster.Kill(1, silently: true);
        cluster.Advance(cluster.Options.ProbeFreshness.TotalMilliseconds + 10);
        Assert.Equal(PeerState.Alive, cluster[0].StateOf(VirtualCluster.AddressOf(1)));
        Assert.False(witness.Hears(VirtualCluster.AddressOf(1)));
    }

    // Each node in turn runs for a while and is not scheduled for a while, independently of the others.
    private static void Starve(VirtualCluster cluster, Random random, TimeSpan duration, int longestPauseMs)
    {
        var step = TimeSpan.FromMilliseconds(10);
        var turns = cluster.Running.ToDictionary(node => node, _ => random.Next(1000));
        for (var now = TimeSpan.Zero; now < duration; now += step)
        {
            foreach (var node in cluster.Running)
            {
                if ((turns[node] -= 10) > 0) continue;
                node.Process.IsPaused = !node.Process.IsPaused;
                turns[node] = node.Process.IsPaused ? random.Next(longestPauseMs) : 100 + random.Next(1000);
            }

            cluster.Advance(step.TotalMilliseconds);
        }

        foreach (var node in cluster.Running) node.Process.IsPaused = false;
        cluster.Clock.Settle();
    }
}
