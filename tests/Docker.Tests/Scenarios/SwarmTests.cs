using System.Collections.Concurrent;
using Kv.Docker.Tests.Scripts;
using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>The stack of docker/stack.yaml on a swarm of this one machine, which is made for it and left again.</summary>
public sealed class SwarmTests : IAsyncLifetime
{
    private const string Stack = "kvs-swarm-test";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly IReadOnlyList<Node> _nodes = [.. Enumerable.Range(1, 6).Select(number => new Node(number))];
    private bool _isOurs;
    private bool _hadBridge;

    public async ValueTask InitializeAsync()
    {
        await Machine.SkipUnlessDockerAnswersAsync();
        var state = (await Shell.DockerAsync("info", "--format", "{{.Swarm.LocalNodeState}}"))[0];
        Assert.SkipUnless(state is "inactive", $"this engine's swarm is {state}");
    }

    // Within the test, so that whatever fails of it is taken away.
    private async Task BeginAsync()
    {
        (await Shell.BuildAsync("--docker", "--image-only")).Succeeded();
        _hadBridge = await HasBridgeAsync();
        await Shell.DockerAsync("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1");
        _isOurs = true;
        await Shell.DockerAsync("stack", "deploy", "--resolve-image", "never", "--compose-file", "docker/stack.yaml", Stack);
        await Until.NoProblemAsync("all nodes of the stack are up", Bound, () => ProblemAsync(_nodes));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isOurs) return;
        await Shell.RunAsync("docker", "stack", "rm", Stack);
        try
        {
            await Until.NoProblemAsync("the tasks are gone", Bound, async () =>
                await Shell.DockerAsync("container", "ls", "--all", "--quiet", "--filter", $"label=com.docker.stack.namespace={Stack}") is { Length: > 0 } left ? $"{left.Length} are there" : null);
        }
        finally
        {
            await Shell.RunAsync("docker", "swarm", "leave", "--force");
        }

        // A swarm makes it on the machine, and leaves it there.
        if (!_hadBridge) await Shell.RunAsync("docker", "network", "rm", "docker_gwbridge");
        foreach (var volume in await Shell.DockerAsync("volume", "ls", "--quiet", "--filter", $"label=com.docker.stack.namespace={Stack}")) await Shell.RunAsync("docker", "volume", "rm", volume);
        await Shell.CleanAsync();
    }

    [Fact]
    public async Task Nodes_are_replaced_in_turn_at_another_address_on_its_data_and_no_request_to_a_ready_node_fails()
    {
        await BeginAsync();
        var before = await TasksAsync();
        Assert.Equal(6, before.Count);
        var first = await _nodes[0].PutAsync("before", "kept", query: "?w=all");
        Assert.True(first.Accepted, first.ToString());
        var clients = new ReadyClients(_nodes);

        // Of each shard one, and one more while the first is back: what the other three would show takes a minute.
        string[] rolled = [.. _nodes.Take(2).Select(node => $"{Stack}_{node.Name}")];
        (await Shell.RunAsync(Path.Combine(Repository.Root, "docker", "roll.sh"), [Stack, "", .. rolled])).Succeeded();
        await Until.NoProblemAsync("all nodes are up again", Bound, () => ProblemAsync(_nodes));

        var served = await clients.StopAsync();
        Assert.Empty(clients.Failures);
        Assert.True(served > 100, $"{served} requests were served.");
        Assert.Equal(6 - rolled.Length, before.Intersect(await TasksAsync()).Count());
        foreach (var node in _nodes) Assert.Equal("kept", (await node.ReadAsync("before", first.Token)).Text("value"));
    }

    private static async Task<bool> HasBridgeAsync() => (await Shell.RunAsync("docker", "network", "inspect", "docker_gwbridge")).ExitCode == 0;

    private static async Task<string?> ProblemAsync(IReadOnlyList<Node> nodes)
    {
        foreach (var node in nodes)
        {
            if (await node.TryGetAsync("/readyz") is not { Status: 200 } ready || await node.TryGetAsync("/key-value-store-view") is not { } view) return $"{node.Name} is not ready";
            if (view.Text("view")!.Split(',').Length != nodes.Count) return $"{node.Name} sees {view}, and is {ready}";
        }

        return null;
    }

    private static async Task<IReadOnlyList<string>> TasksAsync() =>
        await Shell.DockerAsync("container", "ls", "--quiet", "--filter", $"label=com.docker.stack.namespace={Stack}");

    /// <summary>Sessions that read their writes, each request through a published port whose node was ready when it was last looked.</summary>
    private sealed class ReadyClients
    {
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentDictionary<Node, bool> _ready = new();
        private readonly Task _all;
        private int _served;

        public ReadyClients(IReadOnlyList<Node> nodes)
        {
            foreach (var node in nodes) _ready[node] = true;
            _all = Task.WhenAll([.. nodes.Select(WatchAsync), .. Enumerable.Range(0, 3).Select(session => RunAsync(session, nodes))]);
        }

        public ConcurrentQueue<string> Failures { get; } = new();

        public async Task<int> StopAsync()
        {
            await _stop.CancelAsync();
            await _all;
            _stop.Dispose();
            return _served;
        }

        private async Task WatchAsync(Node node)
        {
            while (!_stop.IsCancellationRequested)
            {
                _ready[node] = await node.TryGetAsync("/readyz") is { Status: 200 };
                await Task.Delay(Look);
            }
        }

        private async Task RunAsync(int session, IReadOnlyList<Node> nodes)
        {
            var token = "";
            for (var i = 0; !_stop.IsCancellationRequested; i++)
            {
                var key = $"swarm-{session}-{i % 50}";
                var sent = token;
                if (await TryAsync(nodes, session + i, $"PUT {key}", node => node.PutAsync(key, $"{i}", sent)) is not { } put) continue;
                token = put.Token;
                if (await TryAsync(nodes, session + i + 1, $"GET {key}", node => node.ReadAsync(key, put.Token)) is { } read)
                {
                    token = read.Token;
                    if (read.Text("value") != $"{i}") Failures.Enqueue($"GET {key}, written {i}: {read}");
                }

                await Task.Delay(10);
            }
        }

        private async Task<Answer?> TryAsync(IReadOnlyList<Node> nodes, int turn, string what, Func<Node, Task<Answer>> request)
        {
            var ready = nodes.Where(node => _ready[node]).ToList();
            var node = ready[turn % ready.Count];
            try
            {
                var answer = await request(node);
                Interlocked.Increment(ref _served);
                if (answer.Accepted) return answer;
                Failures.Enqueue($"{what} at {node.Name}: {answer}");
            }
            catch (HttpRequestException failure)
            {
                Failures.Enqueue($"{what} at {node.Name}: {failure.Message}");
            }

            return null;
        }
    }
}
