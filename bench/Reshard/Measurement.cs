using System.Diagnostics;
using System.Text.Json;
using Kv.TestSupport;

namespace Kv.ReshardBench;

/// <summary>One run, from an empty cluster to its figures.</summary>
internal sealed class Measurement(Settings settings)
{
    private static readonly string Value = JsonSerializer.Serialize(new string('x', 98));
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    /// <summary>Prints the figures; false when a request failed or a key is missing.</summary>
    public async Task<bool> RunAsync()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 6, shards: 2, (_, _) => settings.Environment);
        await cluster.UntilSealedAsync();
        await FillAsync(cluster);
        var isRight = true;
        Console.WriteLine("| reshard | keys moved | duration | requests/s before, during | p50 before, during | p99 before, during | ratio | longest | failed |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var (from, to) in ((int, int)[])[(2, 3), (3, 2)]) isRight &= await ReshardAsync(cluster, from, to);
        return await AreAllThereAsync(cluster) && isRight;
    }

    private async Task FillAsync(LocalCluster cluster)
    {
        var watch = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, settings.Keys), new ParallelOptions { MaxDegreeOfParallelism = 128 }, async (i, _) =>
        {
            var answer = await cluster[i % cluster.Nodes.Count].Client.PutAsync($"key-{i}", Value);
            if (answer.Status != 201) throw new InvalidOperationException($"key-{i}: {answer}");
        });
        Console.WriteLine($"{settings.Keys} keys written in {watch.Elapsed.TotalSeconds:F0} s");
    }

    private async Task<bool> ReshardAsync(LocalCluster cluster, int from, int to)
    {
        await using var sessions = new Sessions(cluster, settings.Sessions);
        // The first of them find connections and code cold.
        await Task.Delay(TimeSpan.FromSeconds(2));
        sessions.Take();
        var watch = Stopwatch.StartNew();
        await Task.Delay(settings.Ahead);
        var (before, ahead) = (sessions.Take(), watch.Elapsed);
        watch.Restart();
        using var operatorClient = new KvClient(cluster[0].Address, Patience);
        var answer = await operatorClient.ReshardAsync(to);
        var (during, took) = (sessions.Take(), watch.Elapsed);
        if (answer.Status != 200) Console.WriteLine($"The reshard ended with {answer}");
        var moved = (await cluster[0].Client.ReshardStatusAsync()).Member("last").GetProperty("keys-moved").GetInt64();
        Console.WriteLine(
            $"| {from} → {to} | {moved} | {took.TotalSeconds:F1} s | {before.Count / ahead.TotalSeconds:F0}, {during.Count / took.TotalSeconds:F0} | {before.Percentile(0.5):F1}, {during.Percentile(0.5):F1} ms | "
            + $"{before.Percentile(0.99):F1}, {during.Percentile(0.99):F1} ms | {during.Percentile(0.99) / before.Percentile(0.99):F1} | {during.Longest:F0} ms | {sessions.Failures.Count} |");
        foreach (var failure in sessions.Failures.Take(5)) Console.WriteLine(failure);
        return answer.Status == 200 && sessions.Failures.Count == 0;
    }

    private async Task<bool> AreAllThereAsync(LocalCluster cluster)
    {
        var missing = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, settings.Keys), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            if ((await cluster[i % cluster.Nodes.Count].Client.GetAsync($"key-{i}")).RawValue != Value) Interlocked.Increment(ref missing);
        });
        Console.WriteLine($"Every key was read: {missing} are missing or changed. Counted: {await cluster[0].Client.KeyCountAsync()}");
        return missing == 0;
    }
}
