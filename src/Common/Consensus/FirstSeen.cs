using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// The first incarnation that this node heard of at each address while the cluster forms. Never changed once recorded: it is the memory that outlives
/// somebody else's disk (<see cref="Establishment"/>), and is kept for good. Immutable; its owner makes it durable before it answers a hello.
/// </summary>
public sealed class FirstSeen
{
    public static readonly FirstSeen Nobody = new(ImmutableSortedDictionary<NodeAddress, Incarnation>.Empty);

    private FirstSeen(ImmutableSortedDictionary<NodeAddress, Incarnation> byAddress) => ByAddress = byAddress;

    public ImmutableSortedDictionary<NodeAddress, Incarnation> ByAddress { get; }

    /// <summary>As it was persisted. Throws <see cref="ArgumentException"/> when an address has no incarnation or has two.</summary>
    public static FirstSeen Of(IEnumerable<KeyValuePair<NodeAddress, Incarnation>> entries)
    {
        var byAddress = entries.ToImmutableSortedDictionary();
        if (byAddress.Values.Any(incarnation => incarnation.IsNone))
            throw new ArgumentException("An address without incarnation was recorded.", nameof(entries));
        return new(byAddress);
    }

    /// <summary>
    /// The incarnation introduces itself as the one at the address. The caller asks only for members of VIEW. The same object comes back when nothing was
    /// recorded anew.
    /// </summary>
    public (FirstSeen State, HelloReply Reply) Hello(NodeAddress address, Incarnation incarnation)
    {
        if (incarnation.IsNone) throw new ArgumentException("A hello names an incarnation.", nameof(incarnation));
        if (!ByAddress.TryGetValue(address, out var first)) return (new(ByAddress.Add(address, incarnation)), new HelloReply.Recorded());
        return (this, first == incarnation ? new HelloReply.Recorded() : new HelloReply.Taken(first));
    }
}
