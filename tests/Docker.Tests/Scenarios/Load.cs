using System.Collections.Concurrent;
using System.Diagnostics;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>One session per node, which goes from node to node with its token, reading what it wrote.</summary>
internal sealed class Load
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _sessions;
    private Node? _killed;
    private int _unknown;
    private long _requests;
    private long _lostWithNode;
    private long _longest;

    public Load(IReadOnlyList<Node> nodes, string run) => _sessions = Task.WhenAll(nodes.Select((_, session) => RunAsync(nodes, run, session)));

    /// <summary>What should have been served, and was not.</summary>
    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Of each key the last value acknowledged, unless a later one was lost with a killed node: then it is unknown which of them is there.</summary>
    public ConcurrentDictionary<string, (string Value, string Token)> Written { get; } = new();

    /// <summary>Keys of which it is not known whether they are there.</summary>
    public int Unknown => _unknown;

    /// <summary>
    /// From now on requests to that node may fail, and so may writes that another one had handed to it, which are answered with
    /// <c>may-have-been-written</c> (docs/decisions/0003). Nobody else's may.
    /// </summary>
    public void Expect(Node killed) => Volatile.Write(ref _killed, killed);

    /// <summary>What happened since the last call.</summary>
    public LoadFigures TakeFigures() => new(
        Interlocked.Exchange(ref _requests, 0), TimeSpan.FromTicks(Interlocked.Exchange(ref _longest, 0)), Interlocked.Exchange(ref _lostWithNode, 0), Failures.Count);

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _sessions;
        _stop.Dispose();
    }

    private async Task RunAsync(IReadOnlyList<Node> nodes, string run, int session)
    {
        var token = "";
        var generation = 0;
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var key = $"{run}-load-{session}-{generation}-{i % 100}";
            var put = await TimedAsync(nodes[(session + i) % nodes.Count], $"PUT {key}", node => node.PutAsync(key, $"{i}", token));
            if (put is not { Accepted: true })
            {
                Written.TryRemove(key, out _);
                Interlocked.Increment(ref _unknown);
                generation++;
                continue;
            }

            Written[key] = ($"{i}", token = put.Token);
            var read = await TimedAsync(nodes[(session + i + 1) % nodes.Count], $"GET {key}", node => node.ReadAsync(key, token));
            if (read is not { Status: 200 }) continue;
            if (read.Text("value") == $"{i}") token = read.Token;
            else Failures.Enqueue($"GET {key}, written {i}: {read}");
        }
    }

    // Null, and counted, when it was not served.
    private async Task<Answer?> TimedAsync(Node node, string what, Func<Node, Task<Answer>> request)
    {
        var watch = Stopwatch.StartNew();
        Answer? answer = null;
        var failure = "";
        try
        {
            answer = await request(node);
            if (answer.Status is 200 or 201)
            {
                Interlocked.Increment(ref _requests);
                Lengthen(watch.Elapsed);
                return answer;
            }
        }
        catch (Exception unanswered) when (unanswered is HttpRequestException or TaskCanceledException)
        {
            failure = unanswered.Message;
        }

        var killed = Volatile.Read(ref _killed);
        if (killed is not null && (killed == node || answer?.Body.Contains("\"may-have-been-written\":true", StringComparison.Ordinal) == true)) Interlocked.Increment(ref _lostWithNode);
        else Failures.Enqueue($"{what} at {node.Name}: {answer?.ToString() ?? failure}");
        return null;
    }

    private void Lengthen(TimeSpan took)
    {
        for (var known = Volatile.Read(ref _longest); took.Ticks > known; known = Volatile.Read(ref _longest))
        {
            if (Interlocked.CompareExchange(ref _longest, took.Ticks, known) == known) break;
        }
    }
}

/// <summary>A stretch of load.</summary>
/// <param name="Requests">Served.</param>
/// <param name="Longest">Of those.</param>
/// <param name="LostWithNode">To the killed node itself, or on their way to it.</param>
/// <param name="Failed">All others that were not served, since the load began.</param>
internal sealed record LoadFigures(long Requests, TimeSpan Longest, long LostWithNode, int Failed)
{
    public override string ToString() => $"{Requests} requests, the longest took {Longest.TotalMilliseconds:F0} ms, {LostWithNode} were lost with a killed node, {Failed} failed";
}
