namespace Kv.Architecture.Tests;

/// <summary>
/// Who may use whom in src/Node. A room is a namespace under the root; the types in <see cref="Messages"/> are a room of their own.
/// Every room may also use what lies inside it, the leaves, and Common (which cannot know Node: it is another project).
/// </summary>
internal static class Rules
{
    /// <summary>Used by all, use nothing.</summary>
    public static readonly string[] Leaves = ["Signals", "Telemetry", "Messages"];

    /// <summary>Knows all; nobody may use it.</summary>
    public const string Top = "Hosting";

    /// <summary>Plain records that nodes send each other. They live with the mechanism they belong to, and the door out must name them too.</summary>
    public static readonly string[] Messages =
    [
        "Membership.Heartbeat",
        "Replication.BroadcastOpening",
        "Replication.RecordBatch",
        "Replication.Acknowledgement",
        "Replication.FetchRequest",
        "Migration.TransferRequest",
        "Migration.TransferPiece",
        "Migration.TransferKind",
        "Migration.RangeSummary",
        "Migration.RangeDifference",
        "Migration.RangeEntry",
        "Backup.BackupRequest",
        "Backup.BackupPiece",
        "Topology.ControlRequest",
        "Topology.ControlReply",
        "Requests.ForwardRequest",
        "Requests.ForwardReply",
        "Requests.ForwardBatch",
        "Requests.ForwardReplyBatch",
        "Requests.ForwardedOperation",
        "Requests.Listing",
        "Requests.ListedKey",
        "Requests.WriteConcernLevel",
        "Requests.Outcome",
        "Requests.PresentedToken",
        "Changes.ChangeQuestion",
        "Changes.ChangeAnswer",
        "Changes.ChangeScan",
        "Changes.ChangePiece",
    ];

    public static readonly Dictionary<string, string[]> MayUse = new()
    {
        // The two doors in. They translate; Rpc also shows an operator this node's topology, vector and records.
        ["Rest"] = ["Requests", "Backup", "Topology", "Changes", "Observation", "Scrub", "Security"],
        ["Rpc"] = ["Requests", "Backup", "Replication", "Membership", "Migration", "Changes", "Replica", "Topology", "Peers"],

        // The mechanisms. A backup asks replicas what they hold, and a restore writes, both as clients' requests do.
        ["Backup"] = ["Requests", "Replica", "Storage", "Peers"],
        ["Requests"] = ["Replica", "Topology", "Peers"],
        ["Replication"] = ["Replica", "Topology", "Peers"],
        ["Membership"] = ["Replica", "Topology", "Peers"],
        ["Migration"] = ["Replica", "Topology", "Peers"],
        // Feeds read the log as replicators do.
        ["Changes"] = ["Replication", "Replica", "Topology", "Peers"],
        // What is shown to people who watch. Nothing but the door uses it.
        ["Observation"] = ["Requests", "Migration", "Membership", "Replica", "Topology", "Peers"],
        // Compares replicas by the questions that bring one up to another.
        ["Scrub"] = ["Migration", "Replica", "Topology", "Storage"],
        // How long what nobody needs is kept; which keys the log has, it reads there.
        ["Retention"] = ["Replica", "Topology", "Storage"],
        // The register keeps its votes on disk.
        ["Topology"] = ["Peers", "Storage"],

        // State and its keeper.
        ["Replica"] = ["Storage"],
        ["Storage"] = [],

        // The one door out.
        ["Peers"] = ["Security"],

        // Who is let in: keys, certificates and limits, for the doors.
        ["Security"] = [],
    };

    /// <summary>
    /// Usages that follow no arrow, each with what justifies it; "user" may be a whole room. One that is no longer used must go. None closes a circle:
    /// Replication uses neither Requests nor Membership.
    /// </summary>
    public static readonly (string User, string Used, string Reason)[] Exceptions =
    [
        ("Rest.ProbeEndpoints", "Replica.Readiness", "/readyz answers with the replica's own words"),
        ("Rest.ReshardEndpoints", "Migration.ReshardProgress", "GET reshard shows how far it is"),
        ("Rest.ReshardEndpoints", "Migration.ReshardReport", "GET reshard shows how far it is"),
        ("Migration", "Storage.RecordDigest", "replicas are compared by the digests that the replica keeps of what it stores"),
        ("Migration", "Storage.ArcSummary", "replicas are compared by the digests that the replica keeps of what it stores"),
        ("Retention", "Storage.ArcSummary", "deletions are looked for in the arcs that have some"),
        ("Changes", "Migration.TransferBudget", "a scan for a feed takes no more of the node than one for a replica, and both share it"),
        ("Replication", "Storage.LogSlice", "the replica hands out pieces of its log as the storage gives them"),
    ];

    /// <summary>Libraries that stay in the rooms named, and in <see cref="Top"/>.</summary>
    public static readonly Dictionary<string, string[]> Libraries = new()
    {
        // The generated wire types: mapped to the domain at the edge, and nowhere else.
        ["Kv.Wire"] = ["Rpc", "Peers.Wire", "Peers.GrpcPeerTransport", "Peers.GrpcChangePeers", "Peers.GrpcPeerRecords"],
        ["Google.Protobuf"] = ["Rpc", "Peers.Wire"],
        ["Grpc"] = ["Rpc", "Peers"],
        ["Microsoft.AspNetCore"] = ["Rest", "Rpc", "Telemetry"],
        ["RocksDbSharp"] = ["Storage.RocksDb"],
    };

    /// <summary>What a calculation has no use for. Clocks and randomness are kept out by src/Common/BannedSymbols.txt.</summary>
    public static readonly string[] NotInCommon =
    [
        "System.Threading.Tasks", "System.Threading.Thread", "System.Threading.Timer", "System.IO.File", "System.IO.Directory", "System.Net.Http",
        "System.Net.Sockets.Socket",
    ];
}
