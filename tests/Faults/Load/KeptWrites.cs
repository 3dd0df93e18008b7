using System.Globalization;
using Kv.Faults.Nemesis;
using Kv.Faults.Testbeds;
using Kv.Histories;
using Kv.TestSupport;

namespace Kv.Faults.Load;

/// <summary>
/// Writes keys that nobody else writes, once each and all the while, and remembers those that were acknowledged, with their tokens: a sample of everything that
/// was ever promised. Each must be there in all later rounds, whatever was reshaped meanwhile.
/// </summary>
/// <param name="nodes">Of the cluster.</param>
/// <param name="world">Tells which of them are cut off: every other write goes through one of those, if there is one, as only it may be told of it.</param>
/// <param name="seed">Of the run.</param>
/// <param name="random">Its own.</param>
/// <param name="clock">Of the run.</param>
internal sealed class KeptWrites(IReadOnlyList<TestNode> nodes, World world, int seed, Random random, SuiteClock clock)
{
    private const int MostKept = 20_000;

    private const int AtOnce = 4;

    // A few are enough, and each that is missing is waited for by its node.
    private const int MostReported = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    private readonly Lock _gate = new();
    private readonly List<Kept> _kept = [];
    private int _written;

    private sealed record Kept(string Key, int Number, string Token, int Replicas, long InvokedAt);

    public int Count => _kept.Count;

    /// <summary>Those that were given up because one replica alone acknowledged them, and its disk was lost.</summary>
    public int Excused { get; private set; }

    public long Reads { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(Pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested) return;
            var number = _written++;
            var key = string.Create(CultureInfo.InvariantCulture, $"kept-{seed}-{number}");
            var began = clock.Now;
            using var patience = new CancellationTokenSource(Patience);
            var answer = await AnyWriter().Client.TryAsync(client => client.SendAsync(HttpMethod.Put, KvClient.PathOf(key), KvClient.BodyOf(KvClient.Number(number)), stop: patience.Token));
            if (answer is not { Status: 200 or 201 }) continue;
            var kept = new Kept(key, number, answer.Token, answer.Member("replicas").GetInt32(), began);
            lock (_gate)
            {
                if (_kept.Count == MostKept) _kept[random.Next(MostKept)] = kept;
                else _kept.Add(kept);
            }
        }
    }

    /// <summary>A disk was lost just now: what one replica alone held may have been on it, and is not promised any more.</summary>
    public void ExcuseLost(long lostAt, long roundBegan)
    {
        lock (_gate) Excused += _kept.RemoveAll(kept => kept.Replicas < 2 && kept.InvokedAt >= roundBegan && kept.InvokedAt <= lostAt);
    }

    /// <summary>Reads all of them, or a sample, each through any node, by who knows of its write.</summary>
    public async Task<IReadOnlyList<Violation>> CheckAsync(int most)
    {
        var violations = new List<Violation>();
        Kept[] sample = most >= _kept.Count ? [.. _kept] : random.GetItems(_kept.ToArray(), most);
        foreach (var some in sample.Chunk(AtOnce))
        {
            if (violations.Count >= MostReported) break;
            foreach (var (kept, problem) in await Task.WhenAll(some.Select(ReadAsync)))
            {
                Reads++;
                if (problem is not null) violations.Add(new("No acknowledged write is lost", $"{kept.Key} = {kept.Number}, acknowledged by {kept.Replicas} replicas at {TimeSpan.FromTicks(kept.InvokedAt)}: {problem}"));
            }
        }

        return violations;
    }

    private async Task<(Kept, string?)> ReadAsync(Kept kept)
    {
        var node = AnyNode();
        var answer = await node.Client.TryAsync(client => client.GetAsync(kept.Key, kept.Token));
        return (kept, answer is { Status: 200 } && answer.RawValue == KvClient.Number(kept.Number) ? null : $"{answer?.ToString() ?? "no answer"} at {node}");
    }

    private TestNode AnyWriter()
    {
        var view = world.Current;
        TestNode[] alone = [.. nodes.Where(node => !view.Down.Contains(node.Index) && nodes.All(other => other == node || view.IsCut(node.Index, other.Index)))];
        return alone.Length > 0 && random.Next(2) == 0 ? alone[random.Next(alone.Length)] : AnyNode();
    }

    private TestNode AnyNode()
    {
        lock (random) return nodes[random.Next(nodes.Count)];
    }
}
