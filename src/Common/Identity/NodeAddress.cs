using System.Globalization;
using System.Net;

namespace Kv.Common.Identity;

/// <summary>
/// Where a node is: the public <c>host:port</c> of its REST door and its name in every view. It says nothing about who is there
/// (<see cref="Incarnation"/>). IP addresses sort by number and before host names, then by port.
/// </summary>
public sealed class NodeAddress : IEquatable<NodeAddress>, IComparable<NodeAddress>
{
    private readonly byte[]? _ip;

    private NodeAddress(string host, int port, byte[]? ip)
    {
        Host = host;
        Port = port;
        _ip = ip;
        Text = host.Contains(':', StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"[{host}]:{port}")
            : string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
    }

    public string Host { get; }

    public int Port { get; }

    private string Text { get; }

    /// <summary>Reads <c>ip:port</c>, <c>[ipv6]:port</c> or <c>host.name:port</c>; the port is 1 to 65535.</summary>
    public static bool TryParse(string? text, out NodeAddress address)
    {
        address = null!;
        text = text?.Trim();
        if (string.IsNullOrEmpty(text)) return false;
        var colon = text.LastIndexOf(':');
        if (colon <= 0) return false;
        var host = text[..colon];
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535) return false;
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            // The framework also reads brackets, ports and zones; one address would have several names, and a zone means nothing to another machine.
            if (host.AsSpan().ContainsAny('[', ']', '%')) return false;
            if (!IPAddress.TryParse(host, out var v6) || v6.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6) return false;
            address = new(v6.ToString(), port, v6.GetAddressBytes());
            return true;
        }

        if (LooksLikeIpv4(host))
        {
            if (!IsCanonicalIpv4(host, out var v4)) return false;
            address = new(host, port, v4);
            return true;
        }

        if (!IsHostName(host)) return false;
        address = new(host.ToLowerInvariant(), port, null);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, for addresses this code itself wrote; throws <see cref="FormatException"/> otherwise.</summary>
    public static NodeAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an address of the form host:port.");

    public int CompareTo(NodeAddress? other)
    {
        if (other is null) return 1;
        if ((_ip is null) != (other._ip is null)) return _ip is null ? 1 : -1;
        int byHost;
        if (_ip is not null && other._ip is not null)
            byHost = _ip.Length != other._ip.Length ? _ip.Length.CompareTo(other._ip.Length) : _ip.AsSpan().SequenceCompareTo(other._ip);
        else
            byHost = string.CompareOrdinal(Host, other.Host);
        return byHost != 0 ? byHost : Port.CompareTo(other.Port);
    }

    public bool Equals(NodeAddress? other) => other is not null && Text == other.Text;

    public override bool Equals(object? obj) => Equals(obj as NodeAddress);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Text;

    private static bool LooksLikeIpv4(string host) => host.All(c => char.IsAsciiDigit(c) || c == '.');

    private static bool IsCanonicalIpv4(string host, out byte[] bytes)
    {
        bytes = [];
        if (host.Count(c => c == '.') != 3 || !IPAddress.TryParse(host, out var ip) || ip.ToString() != host) return false;
        bytes = ip.GetAddressBytes();
        return true;
    }

    private static bool IsHostName(string host) =>
        host.Length <= 253 && host.Split('.').All(label =>
            label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
}
