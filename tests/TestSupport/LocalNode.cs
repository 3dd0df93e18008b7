namespace Kv.TestSupport;

/// <summary>A place where a node runs, mostly in a <see cref="LocalCluster"/>: its address, data and client stay the same whatever becomes of the process.</summary>
public sealed class LocalNode : IAsyncDisposable
{
    private readonly IReadOnlyDictionary<string, string> _environment;
    private NodeProcess? _process;

    /// <summary>Starts nothing yet. <paramref name="environment"/>: the node's variables, with its data directory. <paramref name="keys"/>: what its REST door asks for.</summary>
    public LocalNode(int restPort, int peerPort, IReadOnlyDictionary<string, string> environment, DoorKeys? keys = null)
    {
        _environment = environment;
        Address = $"127.0.0.1:{restPort}";
        PeerPort = peerPort;
        Client = new(Address, keys: keys);
        Probe = new("127.0.0.1", peerPort, TestPeers.Like(environment));
    }

    public string Address { get; }

    public int PeerPort { get; }

    public KvClient Client { get; }

    public PeerProbe Probe { get; }

    public string DataDirectory => _environment["KV_DATA_DIR"];

    public bool IsRunning => _process is { HasExited: false };

    public NodeProcess Process => _process ?? throw new InvalidOperationException($"{Address} was never started.");

    public void Start() => _process = NodeProcess.Start(_environment);

    /// <summary>A process at this place with further variables, which is the caller's to end. The one before must have ended.</summary>
    public NodeProcess StartWith(IReadOnlyDictionary<string, string> more) => NodeProcess.Start(_environment.Concat(more).GroupBy(entry => entry.Key).ToDictionary(entry => entry.Key, entry => entry.Last().Value));

    public Task UntilReadyAsync() => Process.UntilReadyAsync(Client);

    /// <summary>Starts it again on the same data.</summary>
    public async Task RestartAsync()
    {
        await Process.DisposeAsync();
        Start();
        await UntilReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        Client.Dispose();
        Probe.Dispose();
    }
}
