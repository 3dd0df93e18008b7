using System.Net;
using System.Net.Sockets;

namespace Kv.TestSupport;

/// <summary>
/// A TCP path that can be cut like a network: while cut, nothing arrives and nothing breaks; bytes wait, as they do in retransmission, and
/// go on when it heals.
/// </summary>
public sealed class PausableProxy : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly int _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Task> _paths = [];
    private readonly Task _accepting;
    private TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PausableProxy(int listenPort, int targetPort)
    {
        _target = targetPort;
        _open.SetResult();
        _listener = new(IPAddress.Loopback, listenPort);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public void Cut()
    {
        lock (_gate)
        {
            if (_open.Task.IsCompleted) _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Heal()
    {
        lock (_gate) _open.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_paths);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                _paths.Add(CarryAsync(socket));
            }
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task CarryAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (near)
        {
            try
            {
                await UntilOpenAsync();
                await far.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                near.NoDelay = far.NoDelay = true;
                await Task.WhenAny(CopyAsync(near, far), CopyAsync(far, near));
            }
            catch (Exception broken) when (broken is SocketException or OperationCanceledException)
            {
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 << 10];
        try
        {
            int length;
            do
            {
                length = await from.ReceiveAsync(buffer, _stop.Token);
                await UntilOpenAsync();
                await to.SendAsync(buffer.AsMemory(0, length), _stop.Token);
            }
            while (length > 0);
        }
        catch (Exception broken) when (broken is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private Task UntilOpenAsync()
    {
        lock (_gate) return _open.Task.WaitAsync(_stop.Token);
    }
}
