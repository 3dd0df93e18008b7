using Kv.Common.Identity;

namespace Kv.Node.Peers;

/// <summary>How nodes reach each other. Section <c>Peers</c>.</summary>
internal sealed class PeerOptions
{
    /// <summary>Largest message between nodes, bytes: far above what a batch and the largest record need.</summary>
    public const int MaxMessageBytes = 64 << 20;

    /// <summary>The peer port is the REST port plus this; every node of a cluster uses the same rule.</summary>
    public int PortOffset { get; set; } = 1000;

    /// <summary>Most connections to the peer port; when there are so many, a new one takes the place of the one on which nothing has been called for longest.</summary>
    public int MaxConnections { get; set; } = 1024;

    /// <summary>How long a connection attempt may take; with TLS, twice as long.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a connection may be silent before it is pinged.</summary>
    public TimeSpan KeepAliveDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a ping may go unanswered before the connection is given up.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(4);

    public int PortOf(NodeAddress address) => address.Port + PortOffset;

    public IEnumerable<string> Validate()
    {
        if (PortOffset is 0 or < -65535 or > 65535) yield return "Peers:PortOffset must not be zero and must leave a valid port.";
        if (MaxConnections is < 1 or > 1 << 20) yield return "Peers:MaxConnections must be 1 to 1048576.";
        if (KeepAliveDelay < TimeSpan.FromSeconds(1)) yield return "Peers:KeepAliveDelay must be at least one second.";
        if (KeepAliveTimeout < TimeSpan.FromSeconds(1)) yield return "Peers:KeepAliveTimeout must be at least one second.";
        if (ConnectTimeout <= TimeSpan.Zero) yield return "Peers:ConnectTimeout must be more than zero.";
    }
}
