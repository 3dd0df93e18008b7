using Kv.Common.Identity;

namespace Kv.Node.Peers;

/// <summary>How nodes reach each other. Section <c>Peers</c>.</summary>
internal sealed class PeerOptions
{
    /// <summary>The peer port is the REST port plus this; every node of a cluster uses the same rule.</summary>
    public int PortOffset { get; set; } = 1000;

    /// <summary>How long a connection attempt may take.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(1);

    public int PortOf(NodeAddress address) => address.Port + PortOffset;

    public IEnumerable<string> Validate()
    {
        if (PortOffset is 0 or < -65535 or > 65535) yield return "Peers:PortOffset must not be zero and must leave a valid port.";
        if (ConnectTimeout <= TimeSpan.Zero) yield return "Peers:ConnectTimeout must be more than zero.";
    }
}
