using System.Collections.Concurrent;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>
/// Sessions that write and delete a few keys through all nodes, each carrying its token, and what each write had really seen. A write is known by its version; one whose answer was lost is not known, and nothing is said of it.
/// </summary>
internal sealed class FollowedHistory(IReadOnlyList<LocalNode> nodes, int sessions) : IDisposable
{
    public const string Prefix = "followed-";

    public const int Keys = 24;

    private readonly ConcurrentDictionary<string, Write> _writes = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    /// <param name="Key">Whose.</param>
    /// <param name="Session">Whose it is.</param>
    /// <param name="Number">Counted by the session.</param>
    /// <param name="Past">Of each session, through which number it had been seen when this was written.</param>
    internal sealed record Write(string Key, int Session, int Number, int[] Past)
    {
        /// <summary>True when whoever made this had seen <paramref name="other"/>.</summary>
        public bool HasSeen(Write other) => other != this && Past[other.Session] >= other.Number;
    }

    public int Count => _writes.Count;

    public void Start() => _running = Task.WhenAll(Enumerable.Range(0, sessions).Select(RunAsync));

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    public Write? Find(string version) => _writes.GetValueOrDefault(version);

    public IEnumerable<Write> All => _writes.Values;

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync(int session)
    {
        var random = new Random(session);
        var (past, token, number) = (new int[sessions], default(string), 0);
        while (!_stop.IsCancellationRequested)
        {
            var node = nodes[random.Next(nodes.Count)].Client;
            var key = $"{Prefix}{random.Next(Keys)}";
            if (random.Next(3) == 0)
            {
                var read = await node.TryAsync(client => client.GetAsync(key, token));
                if (read is not { Status: 200 }) continue;
                token = read.Token;
                if (Find(read.Version) is { } seen)
                {
                    for (var i = 0; i < sessions; i++) past[i] = Math.Max(past[i], seen.Past[i]);
                }

                continue;
            }

            var written = await node.TryAsync(client => random.Next(6) == 0 ? client.DeleteAsync(key, token) : client.PutAsync(key, KvClient.Number((session * 1_000_000) + number), token));
            if (written is not { Status: 200 or 201 }) continue;
            past[session] = ++number;
            token = written.Token;
            _writes[written.Version] = new(key, session, number, [.. past]);
        }
    }
}
