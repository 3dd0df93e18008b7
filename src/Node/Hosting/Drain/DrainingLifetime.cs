using System.Runtime.InteropServices;

namespace Kv.Node.Hosting.Drain;

/// <summary>Tells a node to end when the process is told to: the first signal drains it, a second one ends it at once.</summary>
internal sealed class DrainingLifetime(Draining draining, IHostApplicationLifetime lifetime) : IHostLifetime, IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT];

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _hurry = new();
    private PosixSignalRegistration[] _registrations = [];
    private Task _draining = Task.CompletedTask;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _registrations = [.. Signals.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];
        return Task.CompletedTask;
    }

    /// <summary>Whatever else ends the node does not wait for what drains it.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _hurry.Cancel();
        await _draining;
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _hurry.Dispose();
    }

    /// <summary>What a signal does.</summary>
    public void Signalled()
    {
        lock (_gate)
        {
            if (draining.HasBegun) _hurry.Cancel();
            else _draining = DrainAsync();
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        Signalled();
    }

    private async Task DrainAsync()
    {
        try
        {
            await draining.RunAsync(_hurry.Token);
        }
        finally
        {
            lifetime.StopApplication();
        }
    }
}
