using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Membership;

/// <summary>
/// Who is alive, as this node sees it: an immutable snapshot, always whole. It has every other member of the topology, also those never heard from, and
/// the nodes of this cluster that beat here without being members (<see cref="PeerView.IsMember"/>).
/// </summary>
public sealed class MembershipView
{
    /// <summary>Peers may come in any order; none has the address <paramref name="self"/>.</summary>
    public MembershipView(NodeAddress self, IEnumerable<PeerView> peers)
    {
        Self = self;
        Peers = [.. peers.OrderBy(peer => peer.Address)];
        LiveMembers = [.. Peers.Where(peer => peer.IsLive).Select(peer => peer.Address).Append(self).Order()];
    }

    public NodeAddress Self { get; }

    /// <summary>The others, by address.</summary>
    public ImmutableArray<PeerView> Peers { get; }

    /// <summary>This node and every peer that <see cref="IsLive"/>, by address: the view that clients see.</summary>
    public ImmutableArray<NodeAddress> LiveMembers { get; }

    /// <summary>That peer, or null for this node itself and for an address that is neither a member's nor was heard from.</summary>
    public PeerView? Find(NodeAddress address)
    {
        int low = 0, high = Peers.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = Peers[middle].Address.CompareTo(address);
            if (order == 0) return Peers[middle];
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    /// <summary>True for this node and for every member that is not known to be gone, also when only others hear it.</summary>
    public bool IsLive(NodeAddress address) => address.Equals(Self) || Find(address) is { IsLive: true };

    /// <summary>True for this node and for every member that this node itself hears: where requests are routed to.</summary>
    public bool IsReachable(NodeAddress address) => address.Equals(Self) || Find(address) is { IsReachable: true };
}
