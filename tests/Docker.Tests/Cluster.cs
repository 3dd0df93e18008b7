using Kv.Docker.Tests.Scripts;
using Xunit;

namespace Kv.Docker.Tests;

[CollectionDefinition(Name)]
public sealed class SixNodes : ICollectionFixture<Cluster>
{
    public const string Name = "six nodes";
}

/// <summary>
/// The cluster that <c>build.sh --docker</c> makes: six containers, two shards. Built when the first test asks for it, so
/// that a machine without Docker skips, and removed by clean.sh after the last; the nodes' logs stay in node-logs beside the tests.
/// </summary>
public sealed class Cluster : IAsyncLifetime
{
    private Task<CommandResult>? _build;

    internal IReadOnlyList<Node> Nodes { get; } = [.. Enumerable.Range(1, 6).Select(number => new Node(number))];

    internal static int RestPort(int number) => 8081 + number;

    internal Node this[string address] => Nodes.Single(node => node.Address == address);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>
    /// The whole cluster is up: every node started, ready, seen by all, and able to have a write of its own held by its whole
    /// shard. Every test begins so, whatever the one before left.
    /// </summary>
    internal async Task BeUpAsync()
    {
        if (_build is null)
        {
            await Machine.SkipUnlessDockerAnswersAsync();
            _build = Shell.BuildAsync("--docker");
        }

        (await _build).Succeeded();
        await StartAsync(Nodes);
        await Until.NoProblemAsync("all six nodes are up", TimeSpan.FromSeconds(60), async () => await ProblemWithViewAsync(Nodes, Nodes));

        // A view also has the nodes that are only suspected, for which a write does not wait: after a cut, for a moment all may be.
        await Until.NoProblemAsync("every node's writes reach its whole shard", TimeSpan.FromSeconds(60), ProblemWithReplicationAsync);
    }

    internal static Task StartAsync(params IEnumerable<Node> nodes) => Shell.DockerAsync(["start", .. nodes.Select(node => node.Name)]);

    /// <summary>SIGKILL to all of them at once.</summary>
    internal static Task KillAsync(params IEnumerable<Node> nodes) => Shell.DockerAsync(["kill", "--signal", "KILL", .. nodes.Select(node => node.Name)]);

    /// <summary>Starts a container more, which is told no SHARD_COUNT; it joins by itself.</summary>
    internal Task JoinAsync(Node node) => Shell.DockerAsync(
    [
        "run", "--detach", "--name", node.Name, "--network", "mynet", "--ip", node.Ip, "--publish", $"127.0.0.1:{RestPort(node.Number)}:8080",
        "--env", $"SOCKET_ADDRESS={node.Address}", "--env", $"VIEW={string.Join(',', Nodes.Append(node).Select(each => each.Address))}", "kvs-image",
    ]);

    internal IEnumerable<Node> Without(params IEnumerable<Node> missing) => Nodes.Except(missing);

    /// <summary>Null when each of <paramref name="observers"/> is ready and its view is exactly <paramref name="members"/>.</summary>
    internal static async Task<string?> ProblemWithViewAsync(IEnumerable<Node> observers, IEnumerable<Node> members)
    {
        var expected = string.Join(',', members.OrderBy(node => node.Number).Select(node => node.Address));
        foreach (var node in observers)
        {
            var ready = await node.TryGetAsync("/readyz");
            if (ready is not { Status: 200 })
            {
                return $"{node.Name} is not ready: {ready}";
            }

            var view = await node.TryGetAsync("/key-value-store-view");
            if (view?.Text("view") != expected)
            {
                return $"the view of {node.Name} is {view}, not {expected}";
            }
        }

        return null;
    }

    private async Task<string?> ProblemWithReplicationAsync()
    {
        foreach (var node in Nodes)
        {
            var shard = (await node.GetAsync("/key-value-store-shard/node-shard-id")).Text("shard-id");
            Answer answer;
            var attempt = 0;
            do
            {
                answer = await node.PutAsync($"up-{attempt++}", node.Name, query: "?w=all");
                if (!answer.Accepted)
                {
                    return $"{node.Name}: {answer}";
                }
            }
            while (answer.Text("shard-id") != shard);
        }

        return null;
    }

    internal async Task<IReadOnlyList<Node>> MembersAsync(string shard) =>
        [.. (await Nodes[0].GetAsync($"/key-value-store-shard/shard-id-members/{shard}")).Text("shard-id-members")!.Split(',').Select(address => this[address])];

    public async ValueTask DisposeAsync()
    {
        if (_build is null)
        {
            return;
        }

        var logs = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "node-logs"));
        foreach (var node in Nodes)
        {
            var log = await Shell.RunAsync("docker", "logs", node.Name);
            await File.WriteAllTextAsync(Path.Combine(logs.FullName, $"{node.Name}.log"), log.Output + log.Errors, TestContext.Current.CancellationToken);
        }

        (await Shell.CleanAsync()).Succeeded();
    }
}
