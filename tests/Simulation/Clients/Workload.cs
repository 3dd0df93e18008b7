using Kv.Common.Identity;
using Kv.Histories;
using Kv.Node.Requests;
using Kv.Simulation.Nodes;

namespace Kv.Simulation.Clients;

/// <summary>What the clients of a run have in common: the keys, the history they write, and the network between them and the nodes.</summary>
internal sealed class Workload(SimCluster cluster, Random random, int hotKeys, int keys, bool followsTopology)
{
    private readonly Key[] _keys = [.. Enumerable.Range(0, keys).Select(i => new Key($"key{i}"))];
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    private readonly Dictionary<int, SessionToken> _tokens = [];

    public SimCluster Cluster => cluster;

    public ClientHistory History { get; } = new();

    public int Keys => keys;

    /// <summary>Keys are read and written by few, so that clients meet, or by many.</summary>
    public int DrawKey(Random client) => client.Next(3) > 0 ? client.Next(hotKeys) : client.Next(keys);

    /// <summary>
    /// Any machine that was ever switched on; or, where clients are told where to go, as a load balancer tells them, a node that is a member and stays one.
    /// </summary>
    public SimNode AnyNode(Random client)
    {
        List<SimNode> doors = [.. cluster.Provisioned.Where(IsDoor)];
        return doors.Count > 0 ? doors[client.Next(doors.Count)] : cluster.Members.First();
    }

    /// <summary>True when a client may go on at this node.</summary>
    public bool IsDoor(SimNode node) =>
        !followsTopology || (node.IsRunning && cluster.IsPlaced(node, Settled) && !node.IsOnItsWayOut);

    public Key KeyOf(int index) => _keys[index];

    /// <summary>The token that an acknowledged operation returned.</summary>
    public SessionToken TokenOf(int operation) => _tokens.GetValueOrDefault(operation, SessionToken.None);

    /// <summary>A token that somebody else got last, and may have passed on.</summary>
    public SessionToken AnyToken(Random client) => _tokens.Count == 0 ? SessionToken.None : TokenOf(_lastTokens[client.Next(Math.Min(_lastTokens.Count, 8))]);

    private readonly List<int> _lastTokens = [];

    /// <summary>
    /// Sends one request and waits for its answer, at most for <paramref name="timeout"/>. Outcome null and false: nobody knows what became of it.
    /// </summary>
    public Task<(Outcome? Outcome, bool NotReceived)> SendAsync(SimNode node, Command command, TimeSpan timeout)
    {
        var answered = new TaskCompletionSource<(Outcome?, bool)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var scheduler = cluster.Scheduler;
        scheduler.After(timeout, () => answered.TrySetResult((null, false)));
        scheduler.After(Delay(), () => node.Call(command, (outcome, notReceived) => scheduler.After(Delay(), () => answered.TrySetResult((outcome, notReceived)))));
        return answered.Task;
    }

    public void Remember(int operation, SessionToken token)
    {
        _tokens[operation] = token;
        _lastTokens.Insert(0, operation);
        if (_lastTokens.Count > 8) _lastTokens.RemoveAt(8);
    }

    private TimeSpan Delay() => TimeSpan.FromMicroseconds(random.Next(100, 4000));
}
