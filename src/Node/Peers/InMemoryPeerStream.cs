using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Kv.Common.Identity;

namespace Kv.Node.Peers;

/// <summary>
/// The in-memory twin of a stream between two nodes: each direction a bounded queue, whose sender waits when it is full. Disposing a side ends the
/// stream: the other side receives what was sent before, then null. <see cref="Break"/> loses what was not received.
/// </summary>
internal sealed class InMemoryPeerStream<TSend, TReceive> : IPeerStream<TSend, TReceive>
    where TSend : class
    where TReceive : class
{
    private readonly NodeAddress _peer;
    private readonly Channel<TSend> _outbound;
    private readonly Channel<TReceive> _inbound;
    // Shared by both sides.
    private readonly StrongBox<bool> _broken;

    private InMemoryPeerStream(NodeAddress peer, Channel<TSend> outbound, Channel<TReceive> inbound, StrongBox<bool> broken)
    {
        _peer = peer;
        _outbound = outbound;
        _inbound = inbound;
        _broken = broken;
    }

    /// <summary>Both sides of a new stream between two nodes; <paramref name="capacity"/> is the most messages under way in each direction.</summary>
    public static (InMemoryPeerStream<TSend, TReceive> Near, InMemoryPeerStream<TReceive, TSend> Far) CreatePair(NodeAddress near, NodeAddress far, int capacity = 16)
    {
        var outbound = Channel.CreateBounded<TSend>(capacity);
        var inbound = Channel.CreateBounded<TReceive>(capacity);
        var broken = new StrongBox<bool>();
        return (new(far, outbound, inbound, broken), new(near, inbound, outbound, broken));
    }

    private bool IsBroken => Volatile.Read(ref _broken.Value);

    public async ValueTask SendAsync(TSend message, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            await _outbound.Writer.WriteAsync(message, cancellation);
        }
        catch (ChannelClosedException)
        {
            throw Gone();
        }
    }

    public async ValueTask<TReceive?> ReceiveAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        while (!IsBroken && await _inbound.Reader.WaitToReadAsync(cancellation))
        {
            if (!IsBroken && _inbound.Reader.TryRead(out var message)) return message;
        }

        return IsBroken ? throw Gone() : null;
    }

    /// <summary>Breaks the stream for both sides.</summary>
    public void Break()
    {
        Volatile.Write(ref _broken.Value, true);
        Close();
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private void Close()
    {
        _outbound.Writer.TryComplete();
        _inbound.Writer.TryComplete();
    }

    private PeerUnavailableException Gone() => new(_peer, IsBroken ? "the stream broke" : "the stream has ended");
}
