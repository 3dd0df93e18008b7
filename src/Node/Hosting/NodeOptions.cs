using System.Text;
using Kv.Common.Identity;
using Kv.Node.Backup;
using Kv.Node.Changes;
using Kv.Node.Hosting.Drain;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Observation;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Rest;
using Kv.Node.Retention;
using Kv.Node.Scrub;
using Kv.Node.Security;
using Kv.Node.Storage;
using Kv.Node.Telemetry;
using Kv.Node.Topology;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Hosting;

/// <summary>
/// Everything a node is told at start. The contract's three variables and the <c>KV_…</c> ones come first; every other option is a section of its
/// own with a default, set by the standard .NET configuration (environment as <c>Section__Name</c>, appsettings.json, command line).
/// </summary>
internal sealed class NodeOptions
{
    /// <summary>Timers wait no longer, and what is added to a duration and multiplied with it must not overflow.</summary>
    private static readonly TimeSpan LongestDuration = TimeSpan.FromDays(24);

    public required NodeAddress SocketAddress { get; init; }

    public required IReadOnlyList<NodeAddress> View { get; init; }

    /// <summary>The number of shards that the cluster of VIEW begins with; null when this node was not told and is to find out which cluster it belongs to.</summary>
    public required int? ShardCount { get; init; }

    /// <summary>Where this node keeps its data; <c>KV_DATA_DIR</c>, by default <c>data/&lt;host&gt;-&lt;port&gt;</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary><c>KV_CLUSTER_SECRET</c>; seals tokens. Empty: tokens are protected against corruption, not against forgery.</summary>
    public required byte[] ClusterSecret { get; init; }

    /// <summary><c>KV_ACCEPTED_SECRETS</c>: open tokens and make peers as well, and are never used to make anything.</summary>
    public IReadOnlyList<byte[]> AcceptedSecrets { get; init; } = [];

    /// <summary><c>KV_API_KEYS_FILE</c>; empty for none.</summary>
    public string ApiKeysFile { get; init; } = "";

    public TlsOptions Tls { get; init; } = new();

    public ClientOptions Clients { get; init; } = new();

    /// <summary><c>KV_STORAGE=memory</c>: nothing survives the process. For trying out.</summary>
    public required bool InMemory { get; init; }

    /// <summary><c>KV_REBUILD</c>, or <c>--rebuild</c>: what to do when the data are damaged.</summary>
    public Rebuild Rebuild { get; init; }

    public required RestOptions Rest { get; init; }

    public required RequestOptions Requests { get; init; }

    public ListOptions Listing { get; init; } = new();

    public BatchOptions Batch { get; init; } = new();

    public required ReplicaOptions Replica { get; init; }

    public required ReplicationOptions Replication { get; init; }

    public required MigrationOptions Migration { get; init; }

    public required MembershipOptions Membership { get; init; }

    public required PeerOptions Peers { get; init; }

    public required StorageOptions Storage { get; init; }

    public required TopologyOptions Topology { get; init; }

    public RetentionOptions Retention { get; init; } = new();

    public ScrubOptions Scrub { get; init; } = new();

    public BackupOptions Backup { get; init; } = new();

    public ChangesOptions Changes { get; init; } = new();

    public ObservationOptions Observation { get; init; } = new();

    public DrainOptions Drain { get; init; } = new();

    /// <summary><c>OTEL_…</c>: what is exported over OTLP.</summary>
    public TelemetryExport Telemetry { get; init; } = TelemetryExport.None;

    /// <summary>What of the above is about security.</summary>
    public SecuritySettings Security => new(Tls, ClusterSecret, AcceptedSecrets, ApiKeysFile);

    /// <summary>Reads and checks the configuration; throws <see cref="InvalidOptionsException"/> with every error at once.</summary>
    public static NodeOptions Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var self = ReadAddress(configuration["SOCKET_ADDRESS"], "SOCKET_ADDRESS", errors) ?? NodeAddress.Parse("0.0.0.0:8080");
        var view = ReadView(configuration["VIEW"], self, errors);
        var shardCount = ReadShardCount(configuration["SHARD_COUNT"], view.Count, errors);
        var storage = configuration["KV_STORAGE"] ?? "rocksdb";
        if (storage is not ("rocksdb" or "memory")) errors.Add("KV_STORAGE must be rocksdb or memory.");
        if (configuration[NodeHost.LogFormatVariable] is not (null or "" or "text" or "json")) errors.Add($"{NodeHost.LogFormatVariable} must be text or json.");
        var options = new NodeOptions
        {
            SocketAddress = self,
            View = view,
            ShardCount = shardCount,
            DataDirectory = configuration["KV_DATA_DIR"] is { Length: > 0 } directory ? directory : DefaultDataDirectory(self),
            ClusterSecret = Encoding.UTF8.GetBytes(configuration["KV_CLUSTER_SECRET"] ?? ""),
            AcceptedSecrets = [.. (configuration["KV_ACCEPTED_SECRETS"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Encoding.UTF8.GetBytes)],
            ApiKeysFile = configuration["KV_API_KEYS_FILE"] ?? "",
            InMemory = storage == "memory",
            Rebuild = ReadRebuild(configuration["KV_REBUILD"], errors),
            Rest = Bind<RestOptions>(configuration, "Rest", errors),
            Requests = Bind<RequestOptions>(configuration, "Requests", errors),
            Batch = Bind<BatchOptions>(configuration, "Batch", errors),
            Listing = Bind<ListOptions>(configuration, "Listing", errors),
            Replica = Bind<ReplicaOptions>(configuration, "Replica", errors),
            Replication = Bind<ReplicationOptions>(configuration, "Replication", errors),
            Migration = Bind<MigrationOptions>(configuration, "Migration", errors),
            Membership = Bind<MembershipOptions>(configuration, "Membership", errors),
            Peers = Bind<PeerOptions>(configuration, "Peers", errors),
            Storage = Bind<StorageOptions>(configuration, "Storage", errors),
            Topology = Bind<TopologyOptions>(configuration, "Topology", errors),
            Retention = Bind<RetentionOptions>(configuration, "Retention", errors),
            Scrub = Bind<ScrubOptions>(configuration, "Scrub", errors),
            Changes = Bind<ChangesOptions>(configuration, "Changes", errors),
            Backup = Bind<BackupOptions>(configuration, "Backup", errors),
            Observation = Bind<ObservationOptions>(configuration, "Observation", errors),
            Drain = Bind<DrainOptions>(configuration, "Drain", errors),
            Telemetry = TelemetryExport.Read(configuration, errors),
            Tls = Bind<TlsOptions>(configuration, "Tls", errors),
            Clients = Bind<ClientOptions>(configuration, "Clients", errors),
        };
        errors.AddRange(options.Rest.Validate());
        errors.AddRange(options.Requests.Validate());
        errors.AddRange(options.Batch.Validate());
        errors.AddRange(options.Listing.Validate());
        errors.AddRange(options.Replica.Validate());
        errors.AddRange(options.Replication.Validate());
        errors.AddRange(options.Migration.Validate());
        errors.AddRange(options.Membership.Validate());
        errors.AddRange(options.Peers.Validate());
        errors.AddRange(options.Storage.Validate());
        errors.AddRange(options.Topology.Validate());
        errors.AddRange(options.Retention.Validate());
        errors.AddRange(options.Scrub.Validate());
        errors.AddRange(options.Changes.Validate());
        errors.AddRange(options.Backup.Validate());
        errors.AddRange(options.Observation.Validate());
        errors.AddRange(options.Drain.Validate());
        errors.AddRange(options.Clients.Validate());
        if (options.AcceptedSecrets.Count > 0 && options.ClusterSecret.Length == 0) errors.Add("KV_ACCEPTED_SECRETS needs KV_CLUSTER_SECRET.");
        var incoherent = options.Tls.Validate().ToList();
        errors.AddRange(incoherent);
        // What is in the files is wrong now or when they are first used; now is better.
        NodeSecurity.Open(incoherent.Count == 0 ? options.Security : options.Security with { Tls = new() }, TimeProvider.System, null, NullLogger.Instance, errors);
        foreach (var node in view.Where(node => options.Peers.PortOf(node) is < 1 or > 65535))
            errors.Add($"The peer port {options.Peers.PortOf(node)} of {node} (REST port plus Peers:PortOffset) is not a port.");
        return errors.Count == 0 ? options : throw new InvalidOptionsException(errors);
    }

    private static NodeAddress? ReadAddress(string? text, string name, List<string> errors)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        if (NodeAddress.TryParse(text, out var address)) return address;
        errors.Add($"{name}: '{text}' is not an address of the form host:port.");
        return null;
    }

    private static List<NodeAddress> ReadView(string? text, NodeAddress self, List<string> errors)
    {
        if (string.IsNullOrWhiteSpace(text)) return [self];
        var view = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(part => ReadAddress(part, "VIEW", errors))
            .OfType<NodeAddress>()
            .ToList();
        if (view.Distinct().Count() != view.Count) errors.Add("VIEW names an address twice.");
        if (!view.Contains(self)) errors.Add($"VIEW does not name this node's SOCKET_ADDRESS {self}.");
        return view;
    }

    private static int? ReadShardCount(string? text, int nodes, List<string> errors)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        if (int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var count) && count >= 1 && count <= Math.Max(nodes, 1))
            return count;
        errors.Add($"SHARD_COUNT must be 1 to the number of nodes in VIEW ({nodes}), not '{text}'.");
        return null;
    }

    private static Rebuild ReadRebuild(string? text, List<string> errors)
    {
        switch (text)
        {
            case null or "" or "false":
                return Rebuild.Never;
            case "true":
                return Rebuild.WhenDamaged;
            case "force":
                return Rebuild.Once;
            default:
                errors.Add($"KV_REBUILD must be false, true or force, not '{text}'.");
                return Rebuild.Never;
        }
    }

    private static string DefaultDataDirectory(NodeAddress self) =>
        Path.Combine("data", $"{self.Host.Replace(':', '-')}-{self.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}");

    private static T Bind<T>(IConfiguration configuration, string section, List<string> errors)
        where T : new()
    {
        var options = new T();
        try
        {
            configuration.GetSection(section).Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException invalid)
        {
            errors.Add($"{section}: {invalid.InnerException?.Message ?? invalid.Message}");
        }

        var excessive = typeof(T).GetProperties().Where(option => option is { CanWrite: true } && option.GetValue(options) is TimeSpan duration && (duration > LongestDuration || duration < -LongestDuration));
        foreach (var option in excessive)
        {
            errors.Add($"{section}:{option.Name} must be at most {LongestDuration.Days} days.");
            // Its section is not looked at any further.
            options = new T();
        }

        return options;
    }
}
