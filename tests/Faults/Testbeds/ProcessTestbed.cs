using Kv.Faults.Nemesis;
using Kv.TestSupport;

namespace Kv.Faults.Testbeds;

/// <summary>The nodes as processes on loopback, whose peer traffic passes through a <see cref="PathMatrix"/>.</summary>
internal sealed class ProcessTestbed : ITestbed
{
    private static readonly TimeSpan EndBound = TimeSpan.FromSeconds(10);

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-faults-").FullName;
    private readonly List<LocalNode> _processes = [];
    private readonly PathMatrix _paths;
    private readonly SmallDisk? _smallDisk;

    private ProcessTestbed(SmallDisk? smallDisk)
    {
        _smallDisk = smallDisk;
        int[] ports = [.. Enumerable.Range(0, ITestbed.NodeCount).Select(_ => NodePorts.Take()).Order()];
        _paths = new(ports);
        var view = string.Join(',', ports.Select(port => $"127.0.0.1:{port}"));
        foreach (var (port, index) in ports.Select((port, index) => (port, index)))
        {
            var offset = PathMatrix.OffsetOf(index);
            _processes.Add(new(port, port + offset, new Dictionary<string, string>
            {
                ["SOCKET_ADDRESS"] = $"127.0.0.1:{port}",
                ["VIEW"] = view,
                ["SHARD_COUNT"] = KvClient.Number(ITestbed.ShardCount),
                ["KV_DATA_DIR"] = smallDisk is not null && index == ITestbed.SmallDiskNode ? smallDisk.Path : Path.Combine(_directory, KvClient.Number(port)),
                ["KV_CLUSTER_SECRET"] = ITestbed.ClusterSecret,
                ["Peers__PortOffset"] = KvClient.Number(offset),
            }));
        }

        Nodes = [.. _processes.Select((process, index) => new TestNode(index, process.Address, process.PeerPort))];
    }

    public IReadOnlyList<TestNode> Nodes { get; }

    public string Name => "processes";

    /// <summary><paramref name="hasSmallDisk"/>: whether one node is given a disk that can be filled.</summary>
    public static async Task<ProcessTestbed> PrepareAsync(bool hasSmallDisk) => new(hasSmallDisk && SmallDisk.WhyNot() is null ? await SmallDisk.MountAsync(user: 0) : null);

    public string? WhyNot(FaultKind fault) => fault switch
    {
        FaultKind.Loss => "packets between processes of one machine are not lost; needs containers",
        FaultKind.SlowDisk => DiskThrottle.WhyNot(_directory),
        FaultKind.FullDisk => SmallDisk.WhyNot(),
        _ => null,
    };

    public Task StartAsync(CancellationToken stop)
    {
        foreach (var process in _processes) process.Start();
        return Task.CompletedTask;
    }

    public Task KillAsync(params IReadOnlyList<TestNode> nodes) => Task.WhenAll(nodes.Select(node => Of(node).Process.KillAsync()));

    public async Task<string?> TerminateAsync(TestNode node)
    {
        Of(node).Process.Terminate();
        try
        {
            var code = await Of(node).Process.ExitCodeAsync(EndBound);
            return code is 0 or 143 ? null : $"{node} ended with {code}";
        }
        catch (TimeoutException late)
        {
            await Of(node).Process.KillAsync();
            return late.Message;
        }
    }

    public async Task StartAgainAsync(params IReadOnlyList<TestNode> nodes)
    {
        foreach (var node in nodes)
        {
            await Of(node).Process.DisposeAsync();
            Of(node).Start();
        }
    }

    public Task LoseDataAsync(TestNode node)
    {
        if (Of(node).DataDirectory == _smallDisk?.Path) _smallDisk.Clear();
        else Directory.Delete(Of(node).DataDirectory, recursive: true);
        return Task.CompletedTask;
    }

    public Task PauseAsync(TestNode node)
    {
        Of(node).Process.Pause();
        return Task.CompletedTask;
    }

    public Task ResumeAsync(TestNode node)
    {
        Of(node).Process.Resume();
        return Task.CompletedTask;
    }

    public Task<IAsyncDisposable> CutAsync(IReadOnlyList<Link> links)
    {
        PathDirection[] cut = [.. links.SelectMany(_paths.DirectionsOf)];
        foreach (var direction in cut) direction.Cut();
        return Ending(() =>
        {
            foreach (var direction in cut) direction.Mend();
        });
    }

    public Task<IAsyncDisposable> LosePacketsAsync(TestNode node, double share) => throw new NotSupportedException(WhyNot(FaultKind.Loss));

    public Task<IAsyncDisposable> DelayAsync(TestNode node, TimeSpan delay) => Shape(node, direction => direction.Delay = delay, direction => direction.Delay = TimeSpan.Zero);

    public Task<IAsyncDisposable> NarrowAsync(TestNode node, int bytesPerSecond) =>
        Shape(node, direction => direction.BytesPerSecond = bytesPerSecond, direction => direction.BytesPerSecond = 0);

    public Task<IAsyncDisposable> SlowDiskAsync(TestNode node, int writesPerSecond) => DiskThrottle.BeginAsync(Of(node).Process.Id, _directory, writesPerSecond);

    public Task<IAsyncDisposable> FillDiskAsync(TestNode node) => _smallDisk!.FillAsync();

    public Task<string> LogAsync(TestNode node) => Task.FromResult(Of(node).Process.LogTail);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask()));
        foreach (var node in Nodes) node.Dispose();
        await _paths.DisposeAsync();
        if (_smallDisk is not null) await _smallDisk.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private Task<IAsyncDisposable> Shape(TestNode node, Action<PathDirection> begin, Action<PathDirection> end)
    {
        PathDirection[] shaped = [.. PathMatrix.LinksOf(node.Index).SelectMany(_paths.DirectionsOf)];
        foreach (var direction in shaped) begin(direction);
        return Ending(() =>
        {
            foreach (var direction in shaped) end(direction);
        });
    }

    private static Task<IAsyncDisposable> Ending(Action end) => Task.FromResult<IAsyncDisposable>(new Undo(end));

    private LocalNode Of(TestNode node) => _processes[node.Index];
}
