using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Kv.Faults.Testbeds;

/// <summary>One direction of a path: may be cut, slow or narrow. While it is cut, nothing arrives and nothing breaks; bytes wait, as they do in retransmission.</summary>
internal sealed class PathDirection
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _cuts;

    public PathDirection() => _open.SetResult();

    public TimeSpan Delay { get; set; }

    /// <summary>0 for no bound.</summary>
    public int BytesPerSecond { get; set; }

    public void Cut()
    {
        lock (_gate)
        {
            if (_cuts++ == 0) _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Mend()
    {
        lock (_gate)
        {
            if (--_cuts == 0) _open.SetResult();
        }
    }

    public Task UntilOpenAsync(CancellationToken stop)
    {
        lock (_gate) return _open.Task.WaitAsync(stop);
    }
}

/// <summary>A TCP path from a port of this machine to a node, each direction of which can be disturbed.</summary>
internal sealed class ShapedPath : IAsyncDisposable
{
    private const int PieceBytes = 16 << 10;

    // Pieces under way in each direction; bounds what a slow path keeps in memory.
    private const int MostPieces = 64;

    private readonly TcpListener _listener;
    private readonly IPEndPoint _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _connections = [];
    private readonly Task _accepting;

    public ShapedPath(IPEndPoint listen, IPEndPoint target)
    {
        _target = target;
        _listener = new(listen);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public PathDirection Forth { get; } = new();

    public PathDirection Back { get; } = new();

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        Task[] left;
        lock (_gate) left = [.. _connections];
        await Task.WhenAll(left);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var carrying = CarryAsync(await _listener.AcceptSocketAsync(_stop.Token));
                lock (_gate) _connections.Add(carrying);
                _ = ForgetAsync(carrying);
            }
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ForgetAsync(Task carrying)
    {
        await carrying;
        lock (_gate) _connections.Remove(carrying);
    }

    private async Task CarryAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (near)
        using (var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            try
            {
                // It takes a packet each way to connect.
                await Forth.UntilOpenAsync(end.Token);
                await Back.UntilOpenAsync(end.Token);
                await far.ConnectAsync(_target, end.Token);
                near.NoDelay = far.NoDelay = true;
                var directions = new List<Task> { CopyAsync(near, far, Forth, end.Token), CopyAsync(far, near, Back, end.Token) };
                await Task.WhenAny(directions);
                await end.CancelAsync();
                await Task.WhenAll(directions);
            }
            catch (Exception broken) when (broken is SocketException or OperationCanceledException)
            {
            }
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, PathDirection direction, CancellationToken end)
    {
        var pieces = Channel.CreateBounded<(long ReadAt, byte[] Bytes)>(MostPieces);
        using var written = CancellationTokenSource.CreateLinkedTokenSource(end);
        var reading = ReadAsync(from, pieces.Writer, written.Token);
        try
        {
            await foreach (var (readAt, bytes) in pieces.Reader.ReadAllAsync(end))
            {
                var wait = direction.Delay - Stopwatch.GetElapsedTime(readAt);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, end);
                if (direction.BytesPerSecond is > 0 and var rate) await Task.Delay(TimeSpan.FromSeconds((double)bytes.Length / rate), end);
                await direction.UntilOpenAsync(end);
                for (var sent = 0; sent < bytes.Length;) sent += await to.SendAsync(bytes.AsMemory(sent), end);
            }
        }
        catch (Exception broken) when (broken is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }

        await written.CancelAsync();
        await reading;
    }

    private static async Task ReadAsync(Socket from, ChannelWriter<(long, byte[])> pieces, CancellationToken end)
    {
        var buffer = new byte[PieceBytes];
        try
        {
            while (await from.ReceiveAsync(buffer, end) is > 0 and var length) await pieces.WriteAsync((Stopwatch.GetTimestamp(), buffer[..length]), end);
        }
        catch (Exception broken) when (broken is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }

        pieces.Complete();
    }
}
