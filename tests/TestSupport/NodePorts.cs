using System.Net;
using System.Net.Sockets;

namespace Kv.TestSupport;

/// <summary>
/// Ports for nodes, below the range that the kernel gives to outgoing connections. For each REST port its peer port and one for a detour are free as
/// well, and a fourth is held by this process until it ends: it marks the three as taken, so that test processes running side by side never choose the same.
/// </summary>
public static class NodePorts
{
    /// <summary>From a REST port to its peer port; the node's own default.</summary>
    public const int PeerOffset = 1000;

    /// <summary>From a REST port to one that a test may put something of its own on.</summary>
    public const int DetourOffset = 2000;

    private const int First = 20000;
    private const int Count = 1000;
    private const int MarkOffset = 3000;

    private static readonly Lock Gate = new();
    private static readonly List<Socket> Marks = [];
    private static int _next = Environment.ProcessId * 37 % Count;

    /// <summary>A REST port that nobody else will be given while this process lives.</summary>
    public static int Take()
    {
        lock (Gate)
        {
            for (var tried = 0; tried < Count; tried++)
            {
                var port = First + _next;
                _next = (_next + 1) % Count;
                if (TryListen(port + MarkOffset) is not { } mark) continue;
                if (IsFree(port) && IsFree(port + PeerOffset) && IsFree(port + DetourOffset))
                {
                    Marks.Add(mark);
                    return port;
                }

                mark.Dispose();
            }
        }

        throw new InvalidOperationException("No free ports for a node.");
    }

    private static bool IsFree(int port)
    {
        using var socket = TryListen(port);
        return socket is not null;
    }

    private static Socket? TryListen(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            socket.Listen(1);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
