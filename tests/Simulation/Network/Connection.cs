using Kv.Common.Identity;
using Kv.Node.Peers;
using Kv.Simulation.Time;

namespace Kv.Simulation.Network;

/// <summary>What the network needs to know of a connection whatever it carries.</summary>
internal interface IConnection
{
    NodeAddress From { get; }

    NodeAddress To { get; }

    SimProcess Opener { get; }

    SimProcess Acceptor { get; }

    /// <summary>The opener's side is dropped at once; the other side hears of it when the reset arrives there.</summary>
    void ResetByOpener(string reason);

    /// <summary>A process at one end was killed on a machine that lives on: its kernel tells the other end.</summary>
    void OnProcessKilled(SimProcess killed);

    /// <summary>One end is silent for good: the other gives the connection up.</summary>
    void OnPingUnanswered();
}

/// <summary>A bidirectional stream between two processes: the opener's side and the acceptor's.</summary>
internal sealed class Connection<TOut, TIn> : IConnection
    where TOut : class
    where TIn : class
{
    private readonly SimNetwork _network;
    private readonly CancellationTokenSource _serving = new();

    public Connection(SimNetwork network, NodeAddress from, NodeAddress to, SimProcess opener, SimProcess acceptor, int capacity)
    {
        _network = network;
        (From, To, Opener, Acceptor) = (from, to, opener, acceptor);
        Outbound = new(network, network[from, to], acceptor, reason => BreakFar(reason), () => BreakNear("reset by the peer"), capacity);
        Inbound = new(network, network[to, from], opener, reason => BreakNear(reason), () => BreakFar("reset by the peer"), capacity);
        Near = new NearSide(this);
        Far = new FarSide(this);
    }

    public NodeAddress From { get; }

    public NodeAddress To { get; }

    public SimProcess Opener { get; }

    public SimProcess Acceptor { get; }

    public IPeerStream<TOut, TIn> Near { get; }

    public FarSide Far { get; }

    /// <summary>Cancelled, in the acceptor's process, when the acceptor hears that the call is over.</summary>
    public CancellationToken Serving => _serving.Token;

    private Flow<TOut> Outbound { get; }

    private Flow<TIn> Inbound { get; }

    private string? NearBroken { get; set; }

    private string? FarBroken { get; set; }

    private bool FarDone { get; set; }

    public void ResetByOpener(string reason)
    {
        if (NearBroken is not null) return;
        Outbound.Reset("the peer reset the stream");
        BreakNear(reason);
    }

    public void OnProcessKilled(SimProcess killed)
    {
        if (killed == Opener)
        {
            Outbound.Reset("the peer's process ended");
            NearBroken = "killed";
            Inbound.Close();
        }
        else
        {
            Inbound.Reset("the peer's process ended");
            FarBroken = "killed";
            Outbound.Close();
        }

        _network.Forget(this);
    }

    public void OnPingUnanswered()
    {
        if (Opener.IsDead) BreakFar("the peer does not answer pings");
        else BreakNear("the peer does not answer pings");
    }

    private void BreakNear(string reason)
    {
        if (NearBroken is not null) return;
        NearBroken = reason;
        Inbound.CloseReceiver();
        Outbound.WakeSender();
        _network.Forget(this);
    }

    private void BreakFar(string reason)
    {
        if (FarBroken is not null) return;
        FarBroken = reason;
        Outbound.CloseReceiver();
        Inbound.WakeSender();
        // In the acceptor's own time: it may be paused.
        if (!FarDone) Acceptor.Post(static state => ((CancellationTokenSource)state!).Cancel(), _serving);
    }

    private sealed class NearSide(Connection<TOut, TIn> connection) : IPeerStream<TOut, TIn>
    {
        public async ValueTask SendAsync(TOut message, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            while (true)
            {
                if (connection.NearBroken is { } reason) throw new PeerUnavailableException(connection.To, reason);
                if (connection.Inbound.IsEnded) throw new PeerUnavailableException(connection.To, "the peer ended the stream");
                if (connection.Outbound.IsWritable) break;
                await connection.Outbound.WaitWritableAsync(cancellation);
            }

            connection.Outbound.Send(message);
        }

        public async ValueTask<TIn?> ReceiveAsync(CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            while (true)
            {
                if (connection.NearBroken is { } reason) throw new PeerUnavailableException(connection.To, reason);
                if (connection.Inbound.TryReceive(out var message)) return message;
                if (connection.Inbound.IsEnded) return null;
                await connection.Inbound.WaitReadableAsync(cancellation);
            }
        }

        public ValueTask DisposeAsync()
        {
            connection.ResetByOpener("disposed");
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>The acceptor's side; the server ends it when it is done.</summary>
    internal sealed class FarSide(Connection<TOut, TIn> connection) : IPeerStream<TIn, TOut>
    {
        public async ValueTask SendAsync(TIn message, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            while (true)
            {
                if (connection.FarBroken is { } reason) throw new PeerUnavailableException(connection.From, reason);
                if (connection.Inbound.IsWritable) break;
                await connection.Inbound.WaitWritableAsync(cancellation);
            }

            connection.Inbound.Send(message);
        }

        public async ValueTask<TOut?> ReceiveAsync(CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            while (true)
            {
                if (connection.FarBroken is { } reason) throw new PeerUnavailableException(connection.From, reason);
                if (connection.Outbound.TryReceive(out var message)) return message;
                await connection.Outbound.WaitReadableAsync(cancellation);
            }
        }

        /// <summary>The server has served; with a reason, it failed.</summary>
        public void Finish(string? failure)
        {
            connection.FarDone = true;
            if (connection.FarBroken is not null) return;
            if (failure is null) connection.Inbound.End();
            else connection.Inbound.Reset(failure);
            connection.FarBroken = "served";
            connection.Outbound.CloseReceiver();
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
