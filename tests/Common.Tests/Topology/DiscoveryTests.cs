using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public sealed class DiscoveryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly NodeAddress[] Five = [.. Enumerable.Range(2, 5).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly NodeAddress A = Five[0];
    private static readonly NodeAddress B = Five[1];
    private static readonly NodeAddress C = Five[2];

    [Fact]
    public void A_node_alone_in_its_view_forms_a_cluster_at_once() => Forms([A], Hear(new(A, [A], Patience)));

    [Fact]
    public void Nodes_that_all_look_among_the_same_nodes_form_a_cluster_of_one_shard_whatever_the_order_of_their_views()
    {
        Forms([A, B, C], Hear(new(A, [A, B, C], Patience), Looks(B, C, B, A), Looks(C, A, B, C)));
        Forms([A, B, C], Hear(new(C, [C, A, B], Patience), Looks(A, A, B, C), Looks(B, B, C, A)));
    }

    [Fact]
    public void The_cluster_that_somebody_belongs_to_is_joined_whoever_else_is_undecided()
    {
        var cluster = Genesis.Provisional([B, Five[4]], 2);
        Joins(cluster, Hear(new(A, Five, Patience), Looks(B, Five), Looks(C, C), Looks(Five[3], Five), (Five[4], new DiscoveryAnswer.Belongs(cluster))));
    }

    [Fact]
    public void Of_several_topologies_of_a_cluster_the_newest_is_taken()
    {
        var old = Genesis.Provisional([B, C], 1);
        var sealed_ = TopologyRules.Seal(old, new Dictionary<NodeAddress, Incarnation> { [B] = new(1), [C] = new(2) }, new(1));
        var discovery = new Discovery(A, [A, B, C], Patience);
        Joins(sealed_, Hear(discovery, (B, new DiscoveryAnswer.Belongs(old)), (C, new DiscoveryAnswer.Belongs(sealed_))));
        Joins(sealed_, Hear(discovery, (B, new DiscoveryAnswer.Belongs(sealed_)), (C, new DiscoveryAnswer.Belongs(old))));
    }

    [Fact]
    public void Who_is_silent_beside_a_cluster_is_asked_once_more_and_then_not_waited_for()
    {
        var cluster = Genesis.Provisional([B], 1);
        var (once, decision) = new Discovery(A, [A, B, C], Patience).Hear(Answers((B, new DiscoveryAnswer.Belongs(cluster))), TimeSpan.Zero);
        Assert.Equal([C], Waits(decision).Silent);
        Joins(cluster, once.Hear(Answers((B, new DiscoveryAnswer.Belongs(cluster))), TimeSpan.Zero).Decision);
        // What was said before counts, even when the one who said it is silent now.
        Joins(cluster, once.Hear(Answers(Looks(C, A, B, C)), TimeSpan.Zero).Decision);
        var other = Genesis.Provisional([C], 1);
        Assert.Equal(new DiscoveryDecision.Torn(B, cluster.Cluster, C, other.Cluster), once.Hear(Answers((C, new DiscoveryAnswer.Belongs(other))), TimeSpan.Zero).Decision);
    }

    [Fact]
    public void Between_two_clusters_nothing_is_chosen()
    {
        var (one, other) = (Genesis.Provisional([B], 1), Genesis.Provisional([C], 1));
        var decision = Hear(new(A, [A, B, C], Patience), (B, new DiscoveryAnswer.Belongs(one)), (C, new DiscoveryAnswer.Belongs(other)));
        Assert.Equal(new DiscoveryDecision.Torn(B, one.Cluster, C, other.Cluster), decision);
    }

    [Fact]
    public void Who_is_silent_is_waited_for_and_named()
    {
        var wait = Waits(Hear(new(A, [A, B, C], Patience), Looks(B, A, B, C)));
        Assert.Equal([C], wait.Silent);
        Assert.Empty(wait.Strangers);
    }

    [Fact]
    public void A_majority_forms_the_cluster_when_the_rest_stayed_silent_for_all_of_its_patience()
    {
        var discovery = new Discovery(A, [A, B, C], Patience);
        // Not from the start of this node: whoever makes the majority may have come late, and the rest just after.
        (discovery, _) = discovery.Hear(Answers(), TimeSpan.FromSeconds(0));
        (discovery, _) = discovery.Hear(Answers(Looks(B, A, B, C)), TimeSpan.FromSeconds(25));
        (discovery, var waiting) = discovery.Hear(Answers(Looks(B, A, B, C)), TimeSpan.FromSeconds(54.9));
        Waits(waiting);
        (_, var patient) = discovery.Hear(Answers(Looks(B, A, B, C)), TimeSpan.FromSeconds(55));
        Forms([A, B, C], patient);
    }

    [Fact]
    public void A_majority_that_breaks_begins_its_patience_anew()
    {
        var discovery = new Discovery(A, [A, B, C], Patience);
        (discovery, _) = discovery.Hear(Answers(Looks(B, A, B, C)), TimeSpan.FromSeconds(0));
        (discovery, _) = discovery.Hear(Answers(), TimeSpan.FromSeconds(20));
        (discovery, _) = discovery.Hear(Answers(Looks(B, A, B, C)), TimeSpan.FromSeconds(21));
        (discovery, var waiting) = discovery.Hear(Answers(Looks(B, A, B, C)), TimeSpan.FromSeconds(50));
        Waits(waiting);
        (_, var patient) = discovery.Hear(Answers(Looks(B, A, B, C)), TimeSpan.FromSeconds(51));
        Forms([A, B, C], patient);
    }

    [Fact]
    public void Half_of_the_view_is_no_majority_however_long_it_waits()
    {
        var discovery = new Discovery(A, [A, B, C, Five[3]], Patience);
        (discovery, _) = discovery.Hear(Answers(Looks(B, A, B, C, Five[3])), TimeSpan.Zero);
        Waits(discovery.Hear(Answers(Looks(B, A, B, C, Five[3])), TimeSpan.FromHours(1)).Decision);
    }

    [Fact]
    public void Nothing_is_formed_against_a_node_that_looks_among_others()
    {
        var discovery = new Discovery(A, Five, Patience);
        var heard = Answers(Looks(B, Five), Looks(C, Five), Looks(Five[3], Five), Looks(Five[4], Five[4], A));
        (discovery, _) = discovery.Hear(heard, TimeSpan.Zero);
        var wait = Waits(discovery.Hear(heard, TimeSpan.FromHours(1)).Decision);
        Assert.Equal([Five[4]], wait.Strangers);
        Assert.Empty(wait.Silent);
    }

    // Every node of the view keeps looking, in any order and with any losses of answers; then nobody is left undecided and all have the same cluster.
    [Fact]
    public void Whoever_decides_decides_the_same() => Gen.Select(Gen.Int[1, 5], Gen.Select(Gen.Int[0, 4], Gen.Int[0, 31]).Array[60]).Sample(
        (size, rounds) =>
        {
            NodeAddress[] view = [.. Five.Take(size)];
            var searches = view.ToDictionary(node => node, node => new Discovery(node, view, Patience));
            var decided = new Dictionary<NodeAddress, ClusterTopology>();
            foreach (var ((turn, lost), second) in rounds.Select((round, second) => (round, second)))
            {
                var node = view[turn % size];
                if (decided.ContainsKey(node)) continue;
                var heard = view.Where((peer, index) => !peer.Equals(node) && (lost >> index & 1) == 0).ToDictionary(peer => peer, DiscoveryAnswer (peer) =>
                    decided.TryGetValue(peer, out var topology) ? new DiscoveryAnswer.Belongs(topology) : new DiscoveryAnswer.Undecided([.. view]));
                (searches[node], var decision) = searches[node].Hear(heard, TimeSpan.FromSeconds(second));
                if (decision is DiscoveryDecision.Form form) decided[node] = form.Topology;
                if (decision is DiscoveryDecision.Join join) decided[node] = join.Topology;
                Assert.IsNotType<DiscoveryDecision.Torn>(decision);
            }

            Assert.All(decided.Values, topology => Assert.Equal(Genesis.Provisional(view, 1).Digest, topology.Digest));
        },
        iter: 300);

    private static (NodeAddress, DiscoveryAnswer) Looks(NodeAddress node, params NodeAddress[] view) => (node, new DiscoveryAnswer.Undecided([.. view]));

    private static Dictionary<NodeAddress, DiscoveryAnswer> Answers(params (NodeAddress Peer, DiscoveryAnswer Answer)[] heard) =>
        heard.ToDictionary(one => one.Peer, one => one.Answer);

    private static DiscoveryDecision Hear(Discovery discovery, params (NodeAddress Peer, DiscoveryAnswer Answer)[] heard) =>
        discovery.Hear(Answers(heard), TimeSpan.Zero).Decision;

    private static void Forms(NodeAddress[] members, DiscoveryDecision decision) =>
        Assert.Equal(Genesis.Provisional(members, 1).Digest, Assert.IsType<DiscoveryDecision.Form>(decision).Topology.Digest);

    private static void Joins(ClusterTopology cluster, DiscoveryDecision decision) => Assert.Same(cluster, Assert.IsType<DiscoveryDecision.Join>(decision).Topology);

    private static DiscoveryDecision.Wait Waits(DiscoveryDecision decision) => Assert.IsType<DiscoveryDecision.Wait>(decision);
}
