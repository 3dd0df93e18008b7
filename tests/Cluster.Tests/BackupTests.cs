using System.Collections.Concurrent;
using System.Text.Json;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>
/// Backups of a cluster of processes that is written to all the while, a restore into another number of shards, and every cause of every effect in both. Each session writes keys of its own, one after the other and each
/// through another node, says in each what it has seen of another session, and overwrites a key that counts.
/// </summary>
public sealed class BackupTests
{
    private const int Sessions = 4;

    [Fact]
    public async Task Backups_under_load_have_every_cause_of_what_they_have_and_are_restored_into_another_number_of_shards()
    {
        await using var source = await LocalCluster.StartAsync(nodes: 4, shards: 2);
        await source.UntilSealedAsync();
        using var load = new Chains(source.Nodes);
        await load.UntilAsync(20);

        // While all goes well, while the shards change, and while a node is dead.
        for (var i = 0; i < 4; i++) await BackupAsync(source[i], load);
        var reshard = source[1].ReshardAsync(1);
        do await BackupAsync(source[2], load);
        while (!reshard.IsCompleted);
        Assert.Equal(200, (await reshard).Status);
        Assert.Equal(200, (await source[1].ReshardAsync(2)).Status);
        await source[3].Process.KillAsync();
        var (file, backup) = await BackupAsync(source[0], load);
        await load.StopAsync();
        Assert.Empty(load.Violations);

        await using var target = await LocalCluster.StartAsync(nodes: 3, shards: 3);
        var restored = await target[1].Client.SendAsync(HttpMethod.Put, BackupFile.Path, file, contentType: "application/octet-stream");
        Assert.True(restored.Status == 200, restored.ToString());
        Assert.Equal((backup.Content.ToString(), true), (restored.Text("digest"), restored.Member("verified").GetBoolean()));
        Assert.Equal(backup.Values.Count, await target[2].Client.KeyCountAsync());
        foreach (var (key, value) in backup.Values)
        {
            var read = await target[key.Length % 3].Client.GetAsync(key, restored.Token);
            Assert.True(read.Status == 200 && read.RawValue == value, $"{key} is not {value}: {read}");
        }
    }

    private static async Task<(byte[] File, BackupFile Backup)> BackupAsync(LocalNode node, Chains load)
    {
        var acknowledged = load.Acknowledged;
        var answer = await node.Client.GetPathAsync(BackupFile.Path);
        Assert.True(answer.Status == 200, answer.ToString());
        var backup = BackupFile.Read(answer.Raw);
        for (var session = 0; session < Sessions; session++)
        {
            Assert.True(acknowledged[session] < 0 || backup.Values.ContainsKey(Chains.KeyOf(session, acknowledged[session])), $"{acknowledged[session]} of session {session} was acknowledged before, and is not in the backup");
        }

        Assert.Equal([], Chains.MissingCauses(backup.Values));
        return (answer.Raw, backup);
    }

    /// <summary>The sessions.</summary>
    private sealed class Chains : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly int[] _acknowledged = [.. Enumerable.Repeat(-1, Sessions)];
        private readonly IReadOnlyList<LocalNode> _nodes;
        private readonly Task _running;

        public Chains(IReadOnlyList<LocalNode> nodes)
        {
            _nodes = nodes;
            _running = Task.WhenAll(Enumerable.Range(0, Sessions).Select(RunAsync));
        }

        /// <summary>Answers that must not be.</summary>
        public ConcurrentQueue<string> Violations { get; } = new();

        /// <summary>The last number of each session that was acknowledged; -1 for none.</summary>
        public IReadOnlyList<int> Acknowledged => [.. Enumerable.Range(0, Sessions).Select(session => Volatile.Read(ref _acknowledged[session]))];

        public static string KeyOf(int session, int number) => $"s{KvClient.Number(session)}-{KvClient.Number(number)}";

        public async Task UntilAsync(int number) =>
            await Eventually.Async(() => Task.FromResult(Acknowledged.Min()), least => least >= number, TimeSpan.FromSeconds(30), $"every session has written {KvClient.Number(number)} times");

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _running;
        }

        /// <summary>What is there although something before it is not: the session's number before, its count, or what it had seen of another one.</summary>
        public static List<string> MissingCauses(IReadOnlyDictionary<string, string> values)
        {
            var missing = new List<string>();
            foreach (var (key, value) in values.Where(pair => pair.Key.Contains('-', StringComparison.Ordinal)))
            {
                using var json = JsonDocument.Parse(value);
                var (session, number) = (json.RootElement.GetProperty("session").GetInt32(), json.RootElement.GetProperty("number").GetInt32());
                var (other, seen) = (json.RootElement.GetProperty("other").GetInt32(), json.RootElement.GetProperty("seen").GetInt32());
                Expect(number == 0 || values.ContainsKey(KeyOf(session, number - 1)), key, KeyOf(session, number - 1));
                Expect(number == 0 || CountOf(session) >= number - 1, key, $"count {number - 1}");
                Expect(seen < 0 || (values.ContainsKey(KeyOf(other, seen)) && CountOf(other) >= seen), key, KeyOf(other, seen));
            }

            return missing;

            int CountOf(int session) => values.TryGetValue($"count{KvClient.Number(session)}", out var count) ? int.Parse(count, null) : -1;

            void Expect(bool holds, string effect, string cause)
            {
                if (!holds) missing.Add($"{effect} without {cause}");
            }
        }

        public void Dispose() => _stop.Dispose();

        private async Task RunAsync(int session)
        {
            var random = new Random(session);
            var (other, seen) = (session, -1);
            string? token = null;
            for (var number = 0; !_stop.IsCancellationRequested; number++)
            {
                var value = $$"""{"session": {{KvClient.Number(session)}}, "number": {{KvClient.Number(number)}}, "other": {{KvClient.Number(other)}}, "seen": {{KvClient.Number(seen)}}}""";
                token = (await UntilServedAsync(random, node => node.PutAsync(KeyOf(session, number), value, token)))?.Token ?? token;
                token = (await UntilServedAsync(random, node => node.PutAsync($"count{KvClient.Number(session)}", KvClient.Number(number), token)))?.Token ?? token;
                if (_stop.IsCancellationRequested) return;
                Volatile.Write(ref _acknowledged[session], number);

                other = random.Next(Sessions);
                if (await UntilServedAsync(random, node => node.GetAsync($"count{KvClient.Number(other)}", token)) is not { } read) return;
                token = read.Token;
                seen = read.Status == 200 ? int.Parse(read.RawValue, null) : -1;
                if (other == session && seen != number) Violations.Enqueue($"session {session} reads {seen} after {number}");
            }
        }

        // A node may be dead, and a write may be answered with what became of it unknown: then it is written again, which changes nothing.
        private async Task<KvAnswer?> UntilServedAsync(Random random, Func<KvClient, Task<KvAnswer>> request)
        {
            while (!_stop.IsCancellationRequested)
            {
                if (await _nodes[random.Next(_nodes.Count)].Client.TryAsync(request) is { Status: 200 or 201 or 404 } answer) return answer;
            }

            return null;
        }
    }
}
