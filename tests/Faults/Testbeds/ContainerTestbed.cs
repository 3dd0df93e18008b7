using System.Diagnostics;
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
    private const int ImageUser = 1654;
    private const string Label = "kvs.faults=suite";

    private static readonly TimeSpan BuildBound = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan FreezeBound = TimeSpan.FromSeconds(10);

    private readonly string _image;
    private readonly string _dataRoot;
    private readonly SmallDisk? _smallDisk;
    private readonly string[] _processes = new string[ITestbed.NodeCount];
    private readonly NetworkNamespace[] _namespaces = new NetworkNamespace[ITestbed.NodeCount];

    private ContainerTestbed(string image, string dataRoot, SmallDisk? smallDisk) => (_image, _dataRoot, _smallDisk) = (image, dataRoot, smallDisk);

    public IReadOnlyList<TestNode> Nodes { get; } = [.. Enumerable.Range(0, ITestbed.NodeCount).Select(index => new TestNode(index, $"{IpOf(index)}:{RestPort}", PeerPort))];

    public string Name => "containers";

    /// <summary>Needs a Docker engine that answers. Removes what an earlier run, ended by force, has left.</summary>
    /// <param name="image">Null to have build.sh build it.</param>
    /// <param name="hasSmallDisk">Whether one node is given a disk that can be filled.</param>
    /// <param name="say">Is told of the build.</param>
    public static async Task<ContainerTestbed> PrepareAsync(string? image, bool hasSmallDisk, Action<string> say)
    {
        var dataRoot = await DockerAsync("info", "--format", "{{.DockerRootDir}}");
        if (image is null)
        {
            say($"building {BuiltImage} ...");
            (await Shell.RunAsync(BuildBound, Path.Combine(RepositoryRoot(), "build.sh"), ["--docker", "--image-only"])).Succeeded();
        }

        await RemoveAllAsync();
        await DockerAsync("network", "create", "--driver", "bridge", "--subnet", $"{Prefix}0/24", "--gateway", Gateway, "--label", Label, Network);
        return new(image ?? BuiltImage, dataRoot, hasSmallDisk && SmallDisk.WhyNot() is null ? await SmallDisk.MountAsync(ImageUser) : null);
    }

    public string? WhyNot(FaultKind fault) => fault switch
    {
        FaultKind.Isolation or FaultKind.Partition or FaultKind.OneWay or FaultKind.Bridge or FaultKind.IsolatedWipe or FaultKind.Loss or FaultKind.Delay =>
            NetworkNamespace.WhyNot("nsenter", "iptables-restore"),
        FaultKind.Bandwidth => NetworkNamespace.WhyNot("nsenter", "tc"),
        FaultKind.SlowDisk => DiskThrottle.WhyNot(_dataRoot),
        FaultKind.FullDisk => SmallDisk.WhyNot(),
        _ => null,
    };

    public async Task StartAsync(CancellationToken stop)
    {
        foreach (var node in Nodes) await CreateAsync(node);
    }

    public Task KillAsync(params IReadOnlyList<TestNode> nodes) => DockerAsync(["kill", "--signal", "KILL", .. nodes.Select(NameOf)]);

    public async Task<string?> TerminateAsync(TestNode node)
    {
        await DockerAsync("stop", "--time", "10", NameOf(node));
        // 137 would be the SIGKILL that ends Docker's patience.
        var code = await DockerAsync("inspect", "--format", "{{.State.ExitCode}}", NameOf(node));
        return code is "0" or "143" ? null : $"{node} ended with {code}";
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
        if (HasSmallDisk(node)) _smallDisk!.Clear();
        else await DockerAsync("volume", "rm", VolumeOf(node));
    }

    // A process that waits for its disk cannot be frozen just then.
    public async Task PauseAsync(TestNode node)
    {
        var began = Stopwatch.StartNew();
        CommandResult pausing;
        do pausing = await Shell.RunAsync("docker", "pause", NameOf(node));
        while (pausing.Errors.Contains("unable to freeze", StringComparison.Ordinal) && began.Elapsed < FreezeBound);
        pausing.Succeeded();
    }

    public Task ResumeAsync(TestNode node) => DockerAsync("unpause", NameOf(node));

    // At both ends of a link, of which one is enough: a container that does not run has no rules, and one that is started anew has lost its own.
    public Task<IAsyncDisposable> CutAsync(IReadOnlyList<Link> links) => RulesAsync("filter", links.SelectMany(link => ((int, string)[])
    [
        (link.From, $"OUTPUT --destination {IpOf(link.To)} --jump DROP"),
        (link.To, $"INPUT --source {IpOf(link.From)} --jump DROP"),
    ]));

    public Task<IAsyncDisposable> LosePacketsAsync(TestNode node, double share)
    {
        var lose = string.Create(CultureInfo.InvariantCulture, $"--match statistic --mode random --probability {share:F4} --jump DROP");
        return RulesAsync("filter", OthersThan(node).SelectMany(other => ((int, string)[])
        [
            (node.Index, $"OUTPUT --destination {IpOf(other.Index)} {lose}"),
            (node.Index, $"INPUT --source {IpOf(other.Index)} {lose}"),
        ]));
    }

    // Where the kernel has no netem: connections between the node and the others are led through this process, which takes its time. Those there are break,
    // now and when it ends.
    public async Task<IAsyncDisposable> DelayAsync(TestNode node, TimeSpan delay)
    {
        var detours = OthersThan(node).SelectMany(other => ((TestNode From, TestNode To)[])[(node, other), (other, node)]).Select(pair => (pair.From, pair.To, Path: DetourTo(pair.To, delay))).ToList();
        try
        {
            return await AllAsync(
            [
                () => Task.FromResult<IAsyncDisposable>(new Undo(EndAsync)),
                () => RulesAsync("nat", detours.Select(each => (each.From.Index, $"{ToPeerPortOf(each.To)} --jump DNAT --to-destination {Gateway}:{each.Path.Port}"))),
                () => RulesAsync("filter", detours.Select(each => (each.From.Index, $"{ToPeerPortOf(each.To)} --jump REJECT --reject-with tcp-reset"))),
            ]);
        }
        catch
        {
            await EndAsync();
            throw;
        }

        Task EndAsync() => Task.WhenAll(detours.Select(each => each.Path.DisposeAsync().AsTask()));
    }

    public Task<IAsyncDisposable> NarrowAsync(TestNode node, int bytesPerSecond) =>
        At(node.Index).ShapeAsync("tbf", "rate", string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond * 8}bit"), "burst", "16kb", "latency", "500ms");

    public Task<IAsyncDisposable> SlowDiskAsync(TestNode node, int writesPerSecond) =>
        DiskThrottle.BeginAsync(int.Parse(_processes[node.Index], CultureInfo.InvariantCulture), _dataRoot, writesPerSecond);

    public Task<IAsyncDisposable> FillDiskAsync(TestNode node) => _smallDisk!.FillAsync();

    public async Task<string> LogAsync(TestNode node)
    {
        var log = await Shell.RunAsync("docker", "logs", "--tail", "150", NameOf(node));
        return log.Output + log.Errors;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) node.Dispose();
        await RemoveAllAsync();
        if (_smallDisk is not null) await _smallDisk.DisposeAsync();
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
        if (!HasSmallDisk(node)) await DockerAsync("volume", "create", "--label", Label, VolumeOf(node));
        await DockerAsync(
        [
            "run", "--detach", "--name", NameOf(node), "--hostname", node.ToString(), "--label", Label, "--network", Network, "--ip", IpOf(node.Index),
            "--volume", $"{(HasSmallDisk(node) ? _smallDisk!.Path : VolumeOf(node))}:/data", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--log-opt", "max-size=20m",
            "--env", $"SOCKET_ADDRESS={node.Address}", "--env", $"VIEW={string.Join(',', Nodes.Select(each => each.Address))}",
            "--env", string.Create(CultureInfo.InvariantCulture, $"SHARD_COUNT={ITestbed.ShardCount}"), "--env", $"KV_CLUSTER_SECRET={ITestbed.ClusterSecret}", _image,
        ]);
        await LearnProcessAsync(node);
    }

    private async Task LearnProcessAsync(TestNode node)
    {
        var process = await DockerAsync("inspect", "--format", "{{.State.Pid}}", NameOf(node));
        if (process == _processes[node.Index]) return;
        (_processes[node.Index], _namespaces[node.Index]) = (process, new(process));
    }

    private static string ToPeerPortOf(TestNode node) => string.Create(CultureInfo.InvariantCulture, $"OUTPUT --protocol tcp --destination {IpOf(node.Index)} --dport {PeerPort}");

    private static ShapedPath DetourTo(TestNode node, TimeSpan delay)
    {
        var path = new ShapedPath(new(IPAddress.Parse(Gateway), 0), new(IPAddress.Parse(IpOf(node.Index)), PeerPort));
        path.Forth.Delay = path.Back.Delay = delay;
        return path;
    }

    // All of one node's at once, and all nodes at the same time: a cut that grows slowly would be another fault.
    private async Task<IAsyncDisposable> RulesAsync(string table, IEnumerable<(int Node, string Rule)> rules)
    {
        var added = await Task.WhenAll(rules.GroupBy(each => each.Node, each => each.Rule).Select(node => At(node.Key).AddRulesAsync(table, [.. node])));
        return new Undo(() => Task.WhenAll(added.Select(each => each.DisposeAsync().AsTask())));
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

    private bool HasSmallDisk(TestNode node) => _smallDisk is not null && node.Index == ITestbed.SmallDiskNode;

    private NetworkNamespace At(int node) => _namespaces[node];

    private IEnumerable<TestNode> OthersThan(TestNode node) => Nodes.Where(other => other != node);
}
