using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;

namespace Kv.Common.Tests.Membership;

public class MembershipViewTests
{
    private static NodeAddress At(int host) => NodeAddress.Parse($"10.10.0.{host}:8080");

    private static PeerView Peer(int host, PeerState state, bool member = true) =>
        new(At(host), state, member, new((ulong)host), Epoch.First, 0, VersionVector.Empty, null, null, false, 0, true, true, default, 0, default);

    [Fact]
    public void The_live_members_are_self_and_whoever_is_not_known_to_be_gone_by_number()
    {
        var view = new MembershipView(
            At(9),
            [Peer(10, PeerState.Suspect), Peer(2, PeerState.Alive), Peer(4, PeerState.Dead), Peer(3, PeerState.Unknown), Peer(5, PeerState.Alive, member: false)]);
        Assert.Equal([At(2), At(9), At(10)], view.LiveMembers);
    }

    [Fact]
    public void Only_members_that_are_heard_here_are_reachable()
    {
        var view = new MembershipView(At(1), [Peer(2, PeerState.Alive), Peer(3, PeerState.Suspect), Peer(4, PeerState.Alive, member: false)]);
        Assert.True(view.IsReachable(At(1)));
        Assert.True(view.IsReachable(At(2)));
        Assert.False(view.IsReachable(At(3)));
        Assert.True(view.IsLive(At(3)));
        Assert.False(view.IsReachable(At(4)));
        Assert.False(view.IsLive(At(5)));
    }

    [Fact]
    public void Every_peer_is_found_and_nobody_else() => Gen.Int[1, 60].HashSet[0, 20].Sample(hosts =>
    {
        var view = new MembershipView(At(100), hosts.Select(host => Peer(host, PeerState.Alive)));
        for (var host = 1; host <= 100; host++) Assert.Equal(hosts.Contains(host), view.Find(At(host)) is { } found && found.Address.Equals(At(host)));
    });
}
