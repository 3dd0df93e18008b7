using System.Diagnostics;
using System.Text;

namespace Kv.TestSupport;

/// <summary>One node as a real process. What it writes is kept and shown when something goes wrong.</summary>
public sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan ReadyBound = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly StringBuilder _errors = new();

    private NodeProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(line.Data, _log);
        process.ErrorDataReceived += (_, line) =>
        {
            Keep(line.Data, _log);
            Keep(line.Data, _errors);
        };
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited
    {
        get
        {
            try
            {
                return _process.HasExited;
            }
            catch (InvalidOperationException)
            {
                // Disposed, which is after its end.
                return true;
            }
        }
    }

    /// <summary>Everything it wrote so far.</summary>
    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <summary>The last lines it wrote.</summary>
    public string LogTail => string.Join('\n', Log.Split('\n').TakeLast(30));

    /// <summary>What it wrote to standard error.</summary>
    public string Errors
    {
        get
        {
            lock (_log) return _errors.ToString();
        }
    }

    /// <summary>Starts a node with these variables and no others of the node's; inherited ones of the same meaning are taken away.</summary>
    public static NodeProcess Start(IReadOnlyDictionary<string, string> environment, string? workingDirectory = null)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Kv.Node.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var name in start.Environment.Keys.Where(IsOfTheNode).ToList()) start.Environment.Remove(name);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new(new Process { StartInfo = start });
    }

    /// <summary>Waits for <c>/readyz</c> of the node at this address to say yes; throws with the log when it ends or takes too long.</summary>
    public async Task UntilReadyAsync(KvClient client)
    {
        var watch = Stopwatch.StartNew();
        while (await client.TryAsync(c => c.GetPathAsync("/readyz")) is not { Status: 200 })
        {
            if (HasExited) throw new InvalidOperationException($"The node {client.Address} ended with {await ExitCodeAsync(ReadyBound)}:\n{Log}");
            if (watch.Elapsed > ReadyBound) throw new TimeoutException($"The node {client.Address} is not ready after {ReadyBound.TotalSeconds} s:\n{Log}");
            await Task.Delay(25);
        }
    }

    /// <summary>SIGKILL; ends when the process is gone.</summary>
    public async Task KillAsync()
    {
        if (!HasExited) Signals.Send(Id, Signals.Kill);
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signals.Send(Id, Signals.Terminate);

    /// <summary>SIGSTOP.</summary>
    public void Pause() => Signals.Send(Id, Signals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => Signals.Send(Id, Signals.Continue);

    /// <summary>Waits for its end, which must come within the bound, and gives the exit code.</summary>
    public async Task<int> ExitCodeAsync(TimeSpan within)
    {
        using var bound = new CancellationTokenSource(within);
        try
        {
            await _process.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The process did not end within {within.TotalSeconds:0.#} s:\n{Log}");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        _process.Dispose();
    }

    private static bool IsOfTheNode(string name) =>
        name is "SOCKET_ADDRESS" or "VIEW" or "SHARD_COUNT" || name.StartsWith("KV_", StringComparison.Ordinal) || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal)
        || name.StartsWith("DOTNET_ENVIRONMENT", StringComparison.Ordinal) || name.Contains("__", StringComparison.Ordinal);

    private void Keep(string? line, StringBuilder where)
    {
        if (line is null) return;
        lock (_log) where.AppendLine(line);
    }

    // A test process that ends early must not leave nodes behind.
    private void KillAtExit(object? sender, EventArgs e)
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
        }
    }
}
