using System.Diagnostics;
using Kv.TestSupport;

namespace Kv.ReshardBench;

/// <summary>
/// Clients that go from node to node with their tokens, each with one request at a time and none to wait for: every second one a write of a key of its own, which is
/// read back by the next. Keeps how long each request took, and what went wrong.
/// </summary>
internal sealed class Sessions : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running;
    private readonly Lock _gate = new();
    private List<double> _milliseconds = [];
    private readonly List<string> _failures = [];

    public Sessions(LocalCluster cluster, int count) => _running = [.. Enumerable.Range(0, count).Select(session => Task.Run(() => RunAsync(cluster, session)))];

    /// <summary>Requests that were not answered as they must be.</summary>
    public IReadOnlyList<string> Failures
    {
        get
        {
            lock (_gate) return [.. _failures];
        }
    }

    /// <summary>How long the requests took since the last call, in order of length.</summary>
    public Latencies Take()
    {
        List<double> taken;
        lock (_gate) (taken, _milliseconds) = (_milliseconds, []);
        taken.Sort();
        return new(taken);
    }

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    private async Task RunAsync(LocalCluster cluster, int session)
    {
        string? token = null;
        for (var i = 0L; !_stop.IsCancellationRequested; i++)
        {
            var client = cluster[(int)((session + i) % cluster.Nodes.Count)].Client;
            var key = $"session-{session}-{i / 2 % 1000}";
            var value = KvClient.Number(i / 2);
            var begun = Stopwatch.GetTimestamp();
            var answer = await client.TryAsync(c => i % 2 == 0 ? c.PutAsync(key, value, token) : c.GetAsync(key, token));
            var took = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            lock (_gate)
            {
                _milliseconds.Add(took);
                if (answer is not { Status: 200 or 201 } || (i % 2 == 1 && answer.RawValue != value)) _failures.Add($"{key} through {client.Address}: {answer?.ToString() ?? "no answer"}");
            }

            token = answer?.Token ?? token;
        }
    }
}
