using Kv.Common.Identity;

namespace Kv.Node.Membership;

/// <summary>
/// Decides whose heartbeats count: those of this cluster, and not one's own. The reason for a refusal is logged once per peer, until the peer is
/// admitted again, because a refused peer keeps trying.
/// </summary>
internal sealed class HeartbeatGate(NodeIdentity self, ILogger<HeartbeatGate> logger)
{
    // Addresses here come from strangers; beyond this many, reasons are logged again.
    private const int MostRemembered = 256;

    private readonly Lock _gate = new();
    private readonly HashSet<NodeAddress> _refused = [];

    /// <summary>
    /// True when <paramref name="beat"/> is to be heard. <paramref name="dialled"/> is the address that was connected to, or null for an inbound stream.
    /// </summary>
    public bool Admits(Heartbeat beat, NodeAddress? dialled)
    {
        var peer = dialled ?? beat.From;
        if (ReasonToRefuse(beat, dialled) is { } reason)
        {
            if (IsNews(peer)) MembershipLog.Refused(logger, peer, reason);
            return false;
        }

        lock (_gate) _refused.Remove(peer);
        return true;
    }

    private string? ReasonToRefuse(Heartbeat beat, NodeAddress? dialled)
    {
        if (beat.Cluster != self.Cluster) return $"belongs to cluster {beat.Cluster}, this node to {self.Cluster}";
        if (beat.Incarnation.IsNone) return "says no incarnation";
        if (beat.Incarnation == self.Incarnation) return $"is this node itself ({self.Address}), or runs on a copy of its data";
        if (beat.From.Equals(self.Address)) return "claims this node's own address";
        if (dialled is not null && !beat.From.Equals(dialled)) return $"calls itself {beat.From}";
        return null;
    }

    private bool IsNews(NodeAddress peer)
    {
        lock (_gate)
        {
            if (_refused.Count >= MostRemembered) _refused.Clear();
            return _refused.Add(peer);
        }
    }
}
