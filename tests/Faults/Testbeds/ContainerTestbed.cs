using System.Globalization;
using System.Net;
using Kv.Faults.Nemesis;

namespace Kv.Faults.Testbeds;

/// <summary>The nodes as containers on a network of their own, which differs from that of build.sh, so that it does not meet a cluster which somebody runs.</summary>
internal sealed class ContainerTestbed : ITestbed
{
    private const string Network = "kv-faults";
    private const string Prefix = "10.77.0.";
    private const string Gateway = Prefix + "1";
    private const int RestPort = 8080;
    private const int PeerPort = 9080;
    private const string BuiltImage = "kvs-image";
    private const string Label = "kvs.faults=suite";

    private static readonly TimeSpan BuildBound = TimeSpan.FromMinutes(5);

    private readonly string _image;
    private readonly string _dataRoot;
    private readonly string[] _processes = new string[ITestbed.NodeCount];

    private ContainerTestbed(string image, string dataRoot) => (_image, _dataRoot) = (image, dataRoot);

    public IReadOnlyList<TestNode> Nodes { get; } = [.. Enumerable.Range(0, ITestbed.NodeCount).Select(index => new TestNode(index, $"{IpOf(index)}:{RestPort}", PeerPort))];

    public string Name => "containers";

    /// <summary>Needs a Docker engine that answers. Removes what an earlier run, ended by force, has left.</summary>
    /// <param name="image">Null to have build.sh build it.</param>
    /// <param name="say">Is told of the build.</param>
    public static async Task<ContainerTestbed> PrepareAsync(string? image, Action<string> say)
    {
        var dataRoot = await DockerAsync("info", "--format", "{{.DockerRootDir}}");
        if (image is null)
        {
            say($"building {BuiltImage} ...");
            (await Shell.RunAsync(BuildBound, Path.Combine(RepositoryRoot(), "build.sh"), ["--docker", "--image-only"])).Succeeded();
        }

        await RemoveAllAsync();
        await DockerAsync("network", "create", "--driver", "bridge", "--subnet", $"{Prefix}0/24", "--gateway", Gateway, "--label", Label, Network);
        return new(image ?? BuiltImage, dataRoot);
    }

    public string? WhyNot(FaultKind fault) => fault switch
    {
        FaultKind.Isolation or FaultKind.Partition or FaultKind.OneWay or FaultKind.Bridge or FaultKind.IsolatedWipe or FaultKind.Loss or FaultKind.Delay =>
            NetworkNamespace.WhyNot("nsenter", "iptables"),
        FaultKind.Bandwidth => NetworkNamespace.WhyNot("nsenter", "tc"),
        FaultKind.SlowDisk => DiskThrottle.WhyNot(_dataRoot),
        FaultKind.FullDisk => "not there yet",
        _ => null,
    };

    public async Task StartAsync(CancellationToken stop)
    {
        foreach (var node in Nodes) await CreateAsync(node);
    }

    public Task KillAsync(params IReadOnlyList<TestNode> nodes) => DockerAsync(["kill", "--signal", "KILL", .. nodes.Select(NameOf)]);

    public async Task TerminateAsync(TestNode node)
    {
        await DockerAsync("stop", "--time", "20", NameOf(node));
        var code = await DockerAsync("inspect", "--format", "{{.State.ExitCode}}", NameOf(node));
        if (code is not ("0" or "143")) throw new InvalidOperationException($"{node} ended with {code} when it was told to stop.");
    }

    public async Task StartAgainAsync(params IReadOnlyList<TestNode> nodes)
    {
        // Whose container is gone is made anew.
        var there = (await DockerAsync("container", "ls", "--all", "--filter", $"label={Label}", "--format", "{{.Names}}")).Split('\n');
        foreach (var node in nodes.Where(node => !there.Contains(NameOf(node)))) await CreateAsync(node);
        string[] stopped = [.. nodes.Select(NameOf).Where(there.Contains)];
        if (stopped.Length > 0) await DockerAsync(["start", .. stopped]);
        foreach (var node in nodes) await LearnProcessAsync(node);
    }

    public async Task LoseDataAsync(TestNode node)
    {
        await DockerAsync("rm", "--force", NameOf(node));
        await DockerAsync("volume", "rm", VolumeOf(node));
    }

    public Task PauseAsync(TestNode node) => DockerAsync("pause", NameOf(node));

    public Task ResumeAsync(TestNode node) => DockerAsync("unpause", NameOf(node));

    public Task<IAsyncDisposable> CutAsync(IReadOnlyList<Link> links) => AllAsync(links.SelectMany(link => (Func<Task<IAsyncDisposable>>[])
    [
        // At both ends: the rules of one that is started anew are gone.
        () => At(link.From).AddRuleAsync("filter", "OUTPUT", "--destination", IpOf(link.To), "--jump", "DROP"),
        () => At(link.To).AddRuleAsync("filter", "INPUT", "--source", IpOf(link.From), "--jump", "DROP"),
    ]));

    public Task<IAsyncDisposable> LosePacketsAsync(TestNode node, double share)
    {
        string[] lose = ["--match", "statistic", "--mode", "random", "--probability", share.ToString("F4", CultureInfo.InvariantCulture), "--jump", "DROP"];
        return AllAsync(OthersThan(node).SelectMany(other => (Func<Task<IAsyncDisposable>>[])
        [
            () => At(node.Index).AddRuleAsync("filter", "OUTPUT", ["--destination", IpOf(other.Index), .. lose]),
            () => At(node.Index).AddRuleAsync("filter", "INPUT", ["--source", IpOf(other.Index), .. lose]),
        ]));
    }

    // Where the kernel has no netem: connections between the node and the others are led through this process, which takes its time. Those there are break.
    public Task<IAsyncDisposable> DelayAsync(TestNode node, TimeSpan delay) =>
        AllAsync(OthersThan(node).SelectMany(other => (Func<Task<IAsyncDisposable>>[])[() => DetourAsync(node, other, delay), () => DetourAsync(other, node, delay)]));

    public Task<IAsyncDisposable> NarrowAsync(TestNode node, int bytesPerSecond) =>
        At(node.Index).ShapeAsync("tbf", "rate", string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond * 8}bit"), "burst", "16kb", "latency", "500ms");

    public Task<IAsyncDisposable> SlowDiskAsync(TestNode node, int writesPerSecond) =>
        DiskThrottle.BeginAsync(int.Parse(_processes[node.Index], CultureInfo.InvariantCulture), _dataRoot, writesPerSecond);

    public Task<IAsyncDisposable> FillDiskAsync(TestNode node) => throw new NotSupportedException(WhyNot(FaultKind.FullDisk));

    public async Task<string> LogAsync(TestNode node)
    {
        var log = await Shell.RunAsync("docker", "logs", "--tail", "60", NameOf(node));
        return log.Output + log.Errors;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) node.Dispose();
        await RemoveAllAsync();
    }

    private static string IpOf(int index) => Prefix + (index + 2).ToString(CultureInfo.InvariantCulture);

    private static string NameOf(TestNode node) => $"kv-faults-{node}";

    private static string VolumeOf(TestNode node) => $"kv-faults-{node}-data";

    private static async Task<string> DockerAsync(params IReadOnlyList<string> arguments) => (await Shell.RunAsync("docker", arguments)).Succeeded();

    private static async Task RemoveAllAsync()
    {
        foreach (var (list, remove) in ((string[], string[])[])
        [
            (["container", "ls", "--all", "--quiet"], ["container", "rm", "--force", "--volumes"]),
            (["volume", "ls", "--quiet"], ["volume", "rm"]),
            (["network", "ls", "--quiet"], ["network", "rm"]),
        ])
        {
            var left = await DockerAsync([.. list, "--filter", $"label={Label}"]);
            if (left.Length > 0) await DockerAsync([.. remove, .. left.Split('\n')]);
        }
    }

    private static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "build.sh"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException($"No build.sh above {AppContext.BaseDirectory}; name an image with --image.");
    }

    private async Task CreateAsync(TestNode node)
    {
        await DockerAsync("volume", "create", "--label", Label, VolumeOf(node));
        await DockerAsync(
        [
            "run", "--detach", "--name", NameOf(node), "--hostname", node.ToString(), "--label", Label, "--network", Network, "--ip", IpOf(node.Index),
            "--volume", $"{VolumeOf(node)}:/data", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--log-opt", "max-size=20m",
            "--env", $"SOCKET_ADDRESS={node.Address}", "--env", $"VIEW={string.Join(',', Nodes.Select(each => each.Address))}",
            "--env", string.Create(CultureInfo.InvariantCulture, $"SHARD_COUNT={ITestbed.ShardCount}"), "--env", $"KV_CLUSTER_SECRET={ITestbed.ClusterSecret}", _image,
        ]);
        await LearnProcessAsync(node);
    }

    private async Task LearnProcessAsync(TestNode node) => _processes[node.Index] = await DockerAsync("inspect", "--format", "{{.State.Pid}}", NameOf(node));

    private async Task<IAsyncDisposable> DetourAsync(TestNode from, TestNode to, TimeSpan delay)
    {
        var path = new ShapedPath(new(IPAddress.Parse(Gateway), 0), new(IPAddress.Parse(IpOf(to.Index)), PeerPort));
        path.Forth.Delay = path.Back.Delay = delay;
        var port = PeerPort.ToString(CultureInfo.InvariantCulture);
        try
        {
            var led = await AllAsync(
            [
                () => At(from.Index).AddRuleAsync("nat", "OUTPUT", "--protocol", "tcp", "--destination", IpOf(to.Index), "--dport", port, "--jump", "DNAT", "--to-destination", $"{Gateway}:{path.Port}"),
                () => At(from.Index).AddRuleAsync("filter", "OUTPUT", "--protocol", "tcp", "--destination", IpOf(to.Index), "--dport", port, "--jump", "REJECT", "--reject-with", "tcp-reset"),
            ]);
            return new Undo(async () =>
            {
                await led.DisposeAsync();
                await path.DisposeAsync();
            });
        }
        catch
        {
            await path.DisposeAsync();
            throw;
        }
    }

    // One after the other; when one cannot be begun, those before it are ended.
    private static async Task<IAsyncDisposable> AllAsync(IEnumerable<Func<Task<IAsyncDisposable>>> begins)
    {
        var begun = new Stack<IAsyncDisposable>();
        var all = new Undo(async () =>
        {
            while (begun.TryPop(out var each)) await each.DisposeAsync();
        });
        try
        {
            foreach (var begin in begins) begun.Push(await begin());
            return all;
        }
        catch
        {
            await all.DisposeAsync();
            throw;
        }
    }

    private NetworkNamespace At(int node) => new(_processes[node]);

    private IEnumerable<TestNode> OthersThan(TestNode node) => Nodes.Where(other => other != node);
}
