using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Fuzz.Inputs;
using Kv.Fuzz.Targets;
using Kv.Node.Hosting;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Storage;
using Kv.Node.Topology;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kv.Fuzz.Hosting;

/// <summary>
/// A whole node, composed as in production but for its edges: no sockets, nothing on disk, nobody else on the network, and short waits. Its identity and its peers' are the
/// same in every run, so that an input that names them can be handed in again.
/// </summary>
internal sealed class FuzzNode : IAsyncDisposable
{
    public const int RestPort = 8080;
    public const int PeerPort = 9080;

    private static readonly string[] View = ["10.10.0.2:8080", "10.10.0.3:8080", "10.10.0.4:8080", "10.10.0.5:8080"];
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly InProcessServer _server;
    private readonly ErrorLog _log;
    private readonly TopologyRegister _register;
    private readonly ReplicaState _replica;
    private readonly IStorageEngine _storage;
    private readonly CancellationToken _ended;

    private FuzzNode(WebApplication app, InProcessServer server, ErrorLog log)
    {
        (_app, _server, _log) = (app, server, log);
        _register = app.Services.GetRequiredService<TopologyRegister>();
        _replica = app.Services.GetRequiredService<ReplicaState>();
        _storage = app.Services.GetRequiredService<IStorageEngine>();
        _ended = app.Lifetime.ApplicationStopping;
        Self = app.Services.GetRequiredService<NodeIdentity>();
        Tokens = new(Self.Cluster, Incarnations);
        Topologies = new(Self.Cluster, Addresses, Incarnations);
    }

    /// <summary>The members' addresses, this node's first, and one of somebody else last.</summary>
    public static IReadOnlyList<NodeAddress> Addresses { get; } = [.. View.Select(NodeAddress.Parse), NodeAddress.Parse("10.10.0.99:8080")];

    /// <summary>Who is at <see cref="Addresses"/>.</summary>
    public static IReadOnlyList<Incarnation> Incarnations { get; } = [.. Enumerable.Range(1, 5).Select(i => new Incarnation((ulong)i * 0x1111_1111_1111_1111))];

    public NodeIdentity Self { get; }

    public TokenInputs Tokens { get; }

    public TopologyInputs Topologies { get; }

    /// <summary>What it logged during the last call and may log; null for nothing.</summary>
    public string? LastDeclared { get; private set; }

    public string TopologyText => Kv.Common.Topology.TopologyText.Write(_register.Topology.Current);

    public ulong TopologyDigest => _register.Topology.Current.Digest;

    /// <summary>True once it has stopped, because it was told something that ends a node.</summary>
    public bool HasEnded => _ended.IsCancellationRequested;

    /// <summary>What no refused request may change.</summary>
    public State Current => new(
        _replica.Snapshot.Current.Clock, _replica.Snapshot.Current.Vector, _replica.Snapshot.Current.LiveKeys, _register.Topology.Current.Epoch, _storage.ReadMeta("topology-register") ?? []);

    /// <summary>
    /// Starts one of so many nodes. <paramref name="isSealed"/>: its topology names who is where, by a decision; otherwise it is the one that VIEW gives.
    /// </summary>
    public static async Task<FuzzNode> OpenAsync(int members, int shards, bool isSealed, SilentTransport? transport = null)
    {
        string[] args =
        [
            $"--SOCKET_ADDRESS={View[0]}", $"--VIEW={string.Join(',', View.Take(members))}", $"--SHARD_COUNT={shards}", "--KV_STORAGE=memory", "--Replica:FormationGrace=00:00:00",
            "--Requests:FirstHearing=00:00:00", "--Requests:CausalWait=00:00:00.005", "--Requests:AskAfter=00:00:00.001", "--Requests:WriteConcernWait=00:00:00.005", "--Requests:ForwardingAllowance=00:00:00.005",
            "--Topology:AnswerTimeout=00:00:00.005", "--Topology:ChangeTimeout=00:00:00.010", "--Topology:HandOverTimeout=00:00:00.005", "--Topology:FillTimeout=00:00:00.005", "--Topology:RetryMin=00:00:00.002",
            "--Topology:RetryMax=00:00:00.010", "--Migration:AnswerTimeout=00:00:00.005", "--Backup:AnswerTimeout=00:00:00.005", "--Replication:AnswerTimeout=00:00:00.005",
        ];
        var options = NodeOptions.Read(NodeHost.CreateBuilder(args).Configuration);
        var builder = NodeHost.CreateBuilder(args, options);
        var genesis = Genesis.Provisional(options.View, shards);
        var self = new NodeIdentity(genesis.Cluster, options.SocketAddress, Incarnations[0]);
        NodeApplication.AddServices(builder, options, new(self, new(genesis), null), new());
        var server = new InProcessServer();
        var log = new ErrorLog();
        // What is added last is what is used.
        var network = transport ?? new SilentTransport();
        builder.Services.AddSingleton<IServer>(server).AddSingleton<IPeerTransport>(network).AddSingleton<IPeerRecords>(network);
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Error);
        var app = builder.Build();
        NodeApplication.UseDoors(app, options);
        await app.StartAsync();
        var node = new FuzzNode(app, server, log);
        // One that is alone seals its topology by itself.
        if (isSealed && members > 1) await node._register.LearnAsync(SealOf(genesis));
        using var patience = new CancellationTokenSource(ReadyWithin);
        await node._replica.Snapshot.WaitAsync(snapshot => snapshot.Place is not null, patience.Token);
        if (members == 1) await node._register.Topology.WaitAsync(topology => topology.IsSealed, patience.Token);
        return node;
    }

    /// <summary>What it answers at one of its doors. Throws <see cref="BrokenPromiseException"/> when it logs a failure that no request may cause.</summary>
    public async Task<Exchange> AskAsync(Exchange exchange)
    {
        await _server.AskAsync(exchange);
        RequireNoFailure();
        return exchange;
    }

    /// <inheritdoc cref="AskAsync"/>
    public void RequireNoFailure()
    {
        LastDeclared = null;
        foreach (var entry in _log.Take())
        {
            if (!IsDeclared(entry)) throw new BrokenPromiseException($"logs an error: {entry.Text} {entry.Exception}");
            LastDeclared = entry.Text;
        }
    }

    /// <summary>Completes when the replica has done all it was handed so far.</summary>
    public async Task SettleAsync()
    {
        try
        {
            // It has no such group: nothing changes, and it answers in turn.
            await _replica.ForgetFormerAsync(new(uint.MaxValue));
        }
        catch (OperationCanceledException)
        {
            // The node has ended.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    // Bytes that are no message, or not of the length they say, the framework refuses, and logs, before any code of ours sees them.
    private static bool IsOfFraming(ErrorLog.Entry entry) =>
        entry.Exception is Google.Protobuf.InvalidProtocolBufferException
        || (entry.Exception is IOException or InvalidDataException && entry.Exception.StackTrace?.TrimStart().StartsWith("at Grpc.AspNetCore.Server.Internal.PipeExtensions.", StringComparison.Ordinal) == true);

    // A data directory that is older than what a peer holds, or of a shard that is not the node's any more, ends a node by design, in words. A topology of another history, a health check that says
    // what it is for, and a ballot above which there is none are errors to be looked at.
    private static bool IsDeclared(ErrorLog.Entry entry) =>
        entry.Text.Contains("it is an older copy", StringComparison.Ordinal)
        || entry.Text.Contains("remove the directory, and the node joins as a new one", StringComparison.Ordinal)
        || (entry.Category.StartsWith("Grpc.", StringComparison.Ordinal) && IsOfFraming(entry))
        || entry.Text.Contains("acts on another history", StringComparison.Ordinal)
        || entry.Text.Contains("one of them is of another cluster", StringComparison.Ordinal)
        || entry.Text.StartsWith("Health check ready with status Unhealthy", StringComparison.Ordinal)
        || entry.Text.Contains("No ballot of boot", StringComparison.Ordinal);

    private static ClusterTopology SealOf(ClusterTopology genesis) => new(
        genesis.Cluster, genesis.Epoch.Next, genesis.Members.Select(member => new TopologyMember(member, IncarnationAt(member))), genesis.Shards, genesis.Layouts)
    {
        ParentDigest = genesis.Digest,
        Acceptors = [.. genesis.Members.Select(member => new Kv.Common.Consensus.Acceptor(member, IncarnationAt(member)))],
    };

    private static Incarnation IncarnationAt(NodeAddress address) => Incarnations[Addresses.ToList().IndexOf(address)];

    /// <summary>Clock, data and votes.</summary>
    internal sealed record State(HybridTimestamp Clock, VersionVector Vector, long LiveKeys, Epoch Epoch, byte[] Votes)
    {
        /// <summary>True but for what a node does by itself, whenever it comes to it: write down that it has not voted yet, and promise itself to be read, and vote for what it proposes.</summary>
        public bool IsAs(State before) =>
            before.Votes.Length == 0 || HasPromisedItself ? this with { Votes = [] } == before with { Votes = [] } : this == before;

        private bool HasPromisedItself => System.Text.RegularExpressions.Regex.IsMatch(Encoding.UTF8.GetString(Votes), $"\"Promised\":\"[0-9a-f]+ {Incarnations[0]}\"");

        public bool Equals(State? other) =>
            other is not null && Clock == other.Clock && Vector.Equals(other.Vector) && LiveKeys == other.LiveKeys && Epoch == other.Epoch && Votes.AsSpan().SequenceEqual(other.Votes);

        public override int GetHashCode() => Clock.GetHashCode();

        public override string ToString() => $"clock {Clock}, vector {Vector}, {LiveKeys} keys, epoch {Epoch}, votes {Encoding.UTF8.GetString(Votes)}";
    }
}
