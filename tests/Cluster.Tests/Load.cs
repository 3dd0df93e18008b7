using System.Collections.Concurrent;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>One session a node, each with keys of its own and hopping over all nodes with its token, until it is stopped.</summary>
internal sealed class Load : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, (string Value, string Token)> _written = new();
    private readonly Task _sessions;

    public Load(IReadOnlyList<LocalNode> nodes, string name = "") => _sessions = Task.WhenAll(nodes.Select((_, session) => RunAsync(nodes, name, session)));

    /// <summary>Requests that were not served; those to a node that is killed are among them.</summary>
    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Answers that must not be, whatever happens: a session did not read its write.</summary>
    public ConcurrentQueue<string> Violations { get; } = new();

    /// <summary>Of each key the last value acknowledged, unless what became of a later one is unknown.</summary>
    public async Task<IReadOnlyDictionary<string, (string Value, string Token)>> StopAsync()
    {
        await _stop.CancelAsync();
        await _sessions;
        return _written;
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync(IReadOnlyList<LocalNode> nodes, string name, int session)
    {
        string? token = null;
        var generation = 0;
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var (key, value) = ($"{name}s{session}g{generation}k{i % 40}", KvClient.Number(i));
            var put = await nodes[(session + i) % nodes.Count].Client.TryAsync(node => node.PutAsync(key, value, token));
            if (put is not { Status: 200 or 201 })
            {
                // Whether it was written is unknown, and so what its key may show from now on: go on with others.
                _written.TryRemove(key, out _);
                generation++;
                Failures.Enqueue($"PUT {key}: {put}");
                continue;
            }

            _written[key] = (value, token = put.Token);
            var get = await nodes[(session + i + 1) % nodes.Count].Client.TryAsync(node => node.GetAsync(key, token));
            if (get is { Status: 200 } && get.RawValue == value) token = get.Token;
            else (get is null or { Status: 503 } ? Failures : Violations).Enqueue($"GET {key}: {get}");
        }
    }
}
