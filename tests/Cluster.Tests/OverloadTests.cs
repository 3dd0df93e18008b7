using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Several times what a node admits, for a while: what is refused, who notices, and what is left of it afterwards.</summary>
[Collection(nameof(Alone))]
public sealed class OverloadTests
{
    private const int Places = 24;
    private const int Clients = 200;
    private const int IdleConnections = 1000;

    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Past_its_bounds_a_node_sheds_at_once_stays_in_the_view_and_recovers()
    {
        await using var cluster = await LocalCluster.StartAsync(3, 1, (_, _) => new Dictionary<string, string>
        {
            ["Requests__MaxWrites"] = KvClient.Number(Places),
            ["Requests__MaxReads"] = KvClient.Number(Places),
            ["Rest__MaxConnections"] = KvClient.Number(IdleConnections / 2),
        });
        var loaded = cluster[0];
        Assert.Equal(201, (await loaded.Client.PutAsync("before", "1")).Status);

        var (acknowledged, strange) = (new ConcurrentDictionary<string, string>(), new ConcurrentQueue<string>());
        var shed = 0;
        using var stop = new CancellationTokenSource();
        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < IdleConnections; i++)
            {
                if (await TryConnectAsync(loaded) is { } socket) idle.Add(socket);
            }

            var load = Enumerable.Range(0, Clients).Select(client => Task.Run(() => WriteAsync(client))).ToList();
            // Whoever looks from outside sees three nodes that are ready, all the time.
            await Eventually.NeverAsync(() => ViolationAsync(cluster), LoadTime);
            await stop.CancelAsync();
            await Task.WhenAll(load);
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }

        var recovering = Stopwatch.StartNew();
        for (var served = 0; served < 20;)
        {
            served = await loaded.Client.TryAsync(c => c.PutAsync($"after{served}", "1")) is { Status: 200 or 201 } ? served + 1 : 0;
            Assert.True(recovering.Elapsed < Recovery, $"not served {Recovery.TotalSeconds} s after the load: {loaded.Process.LogTail}");
        }

        Assert.Empty(strange);
        Assert.True(shed > 0, $"{Clients} clients and {Places} places, and nobody was refused");
        Assert.NotEmpty(acknowledged);
        foreach (var node in cluster.Nodes) Assert.DoesNotContain("suspect", node.Process.Log, StringComparison.OrdinalIgnoreCase);
        foreach (var (key, value) in acknowledged.Take(200))
            Assert.Equal(value, (await cluster[1].Client.GetAsync(key)).RawValue);

        async Task WriteAsync(int client)
        {
            using var http = new KvClient(loaded.Address, TimeSpan.FromSeconds(20));
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var (key, value) = ($"c{client}-{i}", KvClient.Number(i));
                switch (await http.TryAsync(c => c.PutAsync(key, value)))
                {
                    // A new connection that comes while all others are in use, or just were, is closed.
                    case null:
                        break;
                    case { Status: 201 }:
                        acknowledged[key] = value;
                        break;
                    case { Status: 503, Error: "Node is overloaded", Message: "Error in PUT" } refused when refused.Header("Retry-After") == "1":
                        Interlocked.Increment(ref shed);
                        break;
                    case var other:
                        strange.Enqueue(other.ToString());
                        break;
                }
            }
        }
    }

    private static async Task<string?> ViolationAsync(LocalCluster cluster)
    {
        // Each asked anew, as a probe does it.
        foreach (var node in cluster.Nodes)
        {
            using var client = new KvClient(node.Address);
            var view = await client.ViewAsync();
            // A connection may be refused while everybody else's is new.
            if (view.Count > 0 && !view.SequenceEqual(cluster.Addresses)) return $"{node.Address} sees {string.Join(',', view)}";
            if (await client.TryAsync(c => c.GetPathAsync("/readyz")) is { Status: not 200 } unready) return $"{node.Address} is not ready: {unready}";
        }

        return null;
    }

    // Null when it is reset before anybody has noticed that it was made.
    private static async Task<Socket?> TryConnectAsync(LocalNode node)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPEndPoint.Parse(node.Address));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
