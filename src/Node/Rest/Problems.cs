using Microsoft.AspNetCore.WebUtilities;

namespace Kv.Node.Rest;

/// <summary>
/// Every kind of error that the REST door answers with. docs/errors.md is made from this list. An error is of the kind that has its status and its text as title, unless it is written as another
/// one's; what is found in none is <c>about:blank</c>, which says no more than the status.
/// </summary>
internal static class Problems
{
    private const string Fix = "Correct the request; sent again as it is, it is refused again.";
    private const string Again = "Nothing was written. Send it again, to this node or another, not before Retry-After.";
    private const string Anew = "Begin without causal metadata, or with what this cluster gave out.";

    private static readonly List<Problem> Known = [];

    public static readonly Problem BadRequest = Add("bad-request", 400, "Bad request", "Correct the request: it is not HTTP as the node reads it.");
    public static readonly Problem KeyMissing = Add("key-missing", 400, "Key is missing", Fix);
    public static readonly Problem KeyTooLong = Add("key-too-long", 400, "Key is too long", "Use a shorter key, or raise `Requests:MaxKeyCharacters` on every node.");
    public static readonly Problem KeyEncoding = Add("key-encoding", 400, "Key is not valid percent-encoding", "Write a percent sign that stands for itself as `%25`.");
    public static readonly Problem KeyNotText = Add("key-not-text", 400, "Key is not valid UTF-8", "Encode the key as UTF-8.");
    public static readonly Problem ValueMissing = Add("value-missing", 400, "Value is missing", "Send a JSON object with a member `value`; `null` is a value.");
    public static readonly Problem BodyNotText = Add("body-not-text", 400, "Body is not valid UTF-8", Fix);
    public static readonly Problem BodyNotJson = Add("body-not-json", 400, "Body is not valid JSON", Fix);
    public static readonly Problem BodyNotObject = Add("body-not-object", 400, "Body is not a JSON object", Fix);
    public static readonly Problem TokenMalformed = Add("causal-metadata-malformed", 400, "Causal metadata is malformed", $"Send it as it was received, all of it. {Anew}");
    public static readonly Problem TokenForeign = Add("causal-metadata-foreign", 400, "Causal metadata belongs to another cluster", Anew);
    public static readonly Problem TokenTampered = Add("causal-metadata-tampered", 400, "Causal metadata has been tampered with", $"It was changed on its way, or the nodes do not share one `KV_CLUSTER_SECRET`. {Anew}");
    public static readonly Problem TokenFromFuture = Add("causal-metadata-from-the-future", 400, "Causal metadata is from the future", $"Look at the clocks of the nodes. {Anew}");
    public static readonly Problem WriteConcern = Add("write-concern-unknown", 400, "Write concern must be local, majority or all", Fix);
    public static readonly Problem PrefixEncoding = Add("prefix-encoding", 400, "Prefix is not valid percent-encoding", "Write a percent sign that stands for itself as `%25`.");
    public static readonly Problem PrefixNotText = Add("prefix-not-text", 400, "Prefix is not valid UTF-8", "A prefix ends where a character ends.");
    public static readonly Problem PrefixTooLong = Add("prefix-too-long", 400, "Prefix is too long", "No key is longer than `Requests:MaxKeyCharacters`.");
    public static readonly Problem PrefixTwice = Add("prefix-given-twice", 400, "Prefix is given twice", Fix);
    public static readonly Problem FromUnknown = Add("from-unknown", 400, "From must be now or beginning", Fix);
    public static readonly Problem ResumePointMalformed = Add("resume-point-malformed", 400, "Resume point is malformed", "Send the id of an event as it was received, all of it, or begin anew with `from=beginning`.");
    public static readonly Problem ResumePointForeign = Add("resume-point-foreign", 400, "Resume point is of another cluster", "Begin anew with `from=beginning`.");
    public static readonly Problem ResumePointPrefix = Add("resume-point-of-another-prefix", 400, "Resume point is of another prefix", "Ask for the prefix that the feed had which gave it out, or begin anew.");
    public static readonly Problem LimitOutOfRange = Add("limit-out-of-range", 400, "Limit must be a whole number from 1 to Listing:MaxKeys", "The option is 1000 unless it is set; ask for several pages.");
    public static readonly Problem CursorMalformed = Add("cursor-malformed", 400, "Cursor is malformed", "Send it as it was received, all of it, or begin without one.");
    public static readonly Problem ValuesUnknown = Add("values-unknown", 400, "Values must be true or false", Fix);
    public static readonly Problem OperationsMissing = Add("operations-missing", 400, "Operations are missing", "Send a JSON object with a member `operations`, a list of objects.");
    public static readonly Problem OperationsNotObjects = Add("operations-not-objects", 400, "Operations are not a list of objects", Fix);
    public static readonly Problem TooManyOperations = Add("too-many-operations", 400, "There are too many operations", "Send several batches, each with the causal metadata of the one before.");
    public static readonly Problem MethodUnknown = Add("operation-method-unknown", 400, "Method must be GET, PUT or DELETE", Fix);
    public static readonly Problem AddressMissing = Add("socket-address-missing", 400, "Socket address is missing", "Send a JSON object with a member `socket-address`.");
    public static readonly Problem AddressMalformed = Add("socket-address-malformed", 400, "Socket address is not of the form host:port", Fix);
    public static readonly Problem NotInView = Add("node-not-in-view", 400, "Socket address does not exist in the view", "Add the node to the view first.");
    public static readonly Problem ShardCountMissing = Add("shard-count-missing", 400, "Shard count is missing", "Send a JSON object with a member `shard-count`.");
    public static readonly Problem ShardCountMalformed = Add("shard-count-malformed", 400, "Shard count is not a whole number", Fix);
    public static readonly Problem NotEnoughNodes = Add("not-enough-nodes", 400, "Not enough nodes to provide fault-tolerance with the given shard count!", "Every shard needs two live nodes: start more, or ask for fewer shards.");
    public static readonly Problem OverwriteUnknown = Add("overwrite-unknown", 400, "Overwrite must be true or false", Fix);
    public static readonly Problem BackupUnusable = Add("backup-unusable", 400, "Backup cannot be restored here", "The error says what is wrong with the file; nothing was written. `Kv.Node --verify-backup` reads a file without a cluster.");

    public static readonly Problem KeyNotGiven = Add("api-key-missing", 401, "API key is missing", "Send it in one header `Authorization: Bearer`, and nowhere else.");
    public static readonly Problem KeyNotKnown = Add("api-key-not-known", 401, "API key is not known", "It was taken back, or this node's `KV_API_KEYS_FILE` does not have it yet.");
    public static readonly Problem RoleTooSmall = Add("api-key-role", 403, "API key may not do this", "Use a key whose role may; [security](security.md#api-keys) says which.");

    public static readonly Problem NotFound = Add("not-found", 404, "Not found", "There is nothing at this path; `/openapi/v1.json` names all there are.");
    public static readonly Problem KeyDoesNotExist = Add("key-does-not-exist", 404, "Key does not exist", "The key has no value, or it was deleted. The answer's causal metadata covers that it was not there.");
    public static readonly Problem ShardDoesNotExist = Add("shard-does-not-exist", 404, "Shard ID does not exist", "`/key-value-store-shard/shard-ids` names those that exist.");
    public static readonly Problem NodeWithoutShard = Add("node-without-shard", 404, "Node is not assigned to a shard", "Assign it by `add-member` or `reshard`; it answers requests through the others meanwhile.");
    public static readonly Problem AddressInView = Add("socket-address-in-view", 404, "Socket address already exists in the view", "Nothing is to be done.");
    public static readonly Problem AddressNotInView = Add("socket-address-not-in-view", 404, "Socket address does not exist in the view", "Nothing is to be done.");
    public static readonly Problem NoReshard = Add("no-reshard-running", 404, "No reshard is running", "GET of the same path says how the last one ended.");
    public static readonly Problem ProblemDoesNotExist = Add("problem-does-not-exist", 404, "Problem does not exist", "`/problems` names those that exist.");

    public static readonly Problem MethodNotAllowed = Add("method-not-allowed", 405, "Method not allowed", "The header Allow names the methods of this path.");
    public static readonly Problem RequestTimeout = Add("request-timeout", 408, "Request took too long to arrive", "Send the body at once; `Rest:BodyTimeout` is how long it may take.");

    public static readonly Problem ServesAnotherShard = Add("node-serves-another-shard", 409, "Node serves another shard", "Choose another node, or move nodes by `reshard`.");
    public static readonly Problem LastReplica = Add("last-replica", 409, "Node is the last replica of its shard", "Give its shard another member first.");
    public static readonly Problem ReshardRunning = Add("reshard-running", 409, "A reshard is running", "Wait for its end, or cancel it.");
    public static readonly Problem ReshardCancelled = Add("reshard-cancelled", 409, "Reshard was cancelled", "An operator cancelled it, or a shard to be had lost its nodes; nothing has changed.");
    public static readonly Problem ReshardOvertaken = Add("reshard-overtaken", 409, "Another reshard has ended since", "Look at the shards before asking again: this one may have been done or not.");
    public static readonly Problem TopologyChanged = Add("topology-changed", 409, "Topology has changed meanwhile", "Look at the view and the shards, and ask again if the change is still wanted.");
    public static readonly Problem BackupRunning = Add("backup-running", 409, "A backup or a restore is running at this node", "Wait for its end, or ask another node.");
    public static readonly Problem ClusterNotEmpty = Add("cluster-not-empty", 409, "Cluster is not empty", "With `overwrite=true` the keys of the backup replace those of the cluster. Nothing was written.");
    public static readonly Problem RestoredDifferently = Add("restored-differently", 409, "Backup is restored, but the cluster holds something else", "Somebody wrote while it was restored. Compare the digests again, or restore it once more with `overwrite=true`.");

    public static readonly Problem ResumePointTooOld = Add("resume-point-too-old", 410, "Resume point is too old", "Deletions since then may have been forgotten. Begin anew with `from=beginning`, and forget what you have.");

    public static readonly Problem BodyTooLarge = Add("body-too-large", 413, "Body is too large", "Send less at a time, or raise `Requests:MaxBodyBytes` on every node.");
    public static readonly Problem AnswerTooLarge = Add("answer-too-large", 413, "Answer is too large", "This operation of a batch was not done, because the values read before it fill an answer. Send it and those after it as another batch.");
    public static readonly Problem NotAttempted = Add("operation-not-attempted", 424, "An earlier operation was not done", "This operation of a batch was not done. Send it again when the earlier one, which says why, is.");
    public static readonly Problem TooManyRequests = Add("too-many-requests", 429, "Too many requests", "Nothing was done. Send it again, not before Retry-After; `Clients:` options are how much a client may ask for.");
    public static readonly Problem InternalError = Add("internal-error", 500, "Internal error", "This is a bug, and the node's log has the details. Whether a write was done is not known.");

    public static readonly Problem DependenciesMissing = Add("causal-dependencies-not-satisfied", 503, "Causal dependencies not satisfied", $"What the client has seen has not reached a replica in time; `missing` names it. {Again}");
    public static readonly Problem ShardUnavailable = Add("shard-unavailable", 503, "Shard is unavailable", "No replica of `shard-id` could be reached. When `may-have-been-written` is true the write may have been done: read before sending it again.");
    public static readonly Problem ConcernNotMet = Add("write-concern-not-satisfied", 503, "Write concern not satisfied", "Fewer replicas than `required` hold the write. When `written` is true it stays, and reaches the others later; else nothing was written.");
    public static readonly Problem ClockBehind = Add("clock-behind", 503, "Clock is behind the causal metadata", $"The node's clock is behind that of another by `ahead-ms`. {Again}");
    public static readonly Problem Overloaded = Add("overloaded", 503, "Node is overloaded", Again);
    public static readonly Problem TooManySubscribers = Add("too-many-subscribers", 503, "Too many subscribers", "Follow the events of another node, or raise `Observation:MaxSubscribers`.");
    public static readonly Problem TopologyChanging = Add("topology-changing", 503, "Topology is changing", Again);
    public static readonly Problem BatchTimeout = Add("batch-timeout", 503, "Batch took too long", "This operation of a batch was not done. Send it and those after it again.");
    public static readonly Problem NodeStopping = Add("node-stopping", 503, "Node is stopping", "Go on at another node. A write may have been done: read before sending it again.");
    public static readonly Problem NodeNotReady = Add("node-not-ready", 503, "Node is not ready", "The error says why. Requests are answered through other nodes where that is possible.");
    public static readonly Problem NoCluster = Add("node-without-cluster", 503, "Node is looking for its cluster", "The node's log says whom it waits for.");
    public static readonly Problem NobodyAnswers = Add("nobody-answers", 503, "No node of this cluster answers there", "Start the node at that address, and ask again.");
    public static readonly Problem StillHandingOver = Add("node-still-handing-over", 503, "Node is still handing over its writes", "The change goes on. Ask again.");
    public static readonly Problem StillJoining = Add("node-still-joining", 503, "Node is still being filled", "The change goes on. Ask again.");
    public static readonly Problem NoTopologyYet = Add("topology-not-decided-yet", 503, "Topology cannot be changed yet", "The nodes that the cluster begins with have not met yet. Ask again when a majority of them runs.");
    public static readonly Problem NoQuorum = Add("topology-without-quorum", 503, "Topology cannot be changed without its quorum", "Bring back those that `missing` names; when they are lost for good, see [forced recovery](protocols/topology.md#forced-recovery).");
    public static readonly Problem NodeWasRemoved = Add("node-was-removed", 503, "Node was removed and has not begun anew yet", "Ask again.");
    public static readonly Problem BackupUnavailable = Add("backup-unavailable", 503, "Backup cannot be made or restored now", "The error says why. Nothing was written. Ask again.");
    public static readonly Problem RestoreBrokenOff = Add("restore-broken-off", 503, "Restore was broken off", "`reason` says why. Some keys are written: run it again with `overwrite=true`.");
    public static readonly Problem NoRoomForBackup = Add("no-room-for-backup", 507, "Disk has no room for the backup", "Make room on the disk of the node that was asked, or set `Backup:StagingDirectory`. Nothing was written.");
    public static readonly Problem RestoreDiskFull = Add("restore-disk-full", 507, "Restore was broken off", "The replicas' disks are full. Some keys are written: make room, and run it again with `overwrite=true`.");
    public static readonly Problem DiskFull = Add("disk-full", 507, "Disk is full", "Nothing was written. Make room on the replicas' disks; reads go on.");

    private static readonly Dictionary<(int Status, string Title), Problem> ByTitle = Known.ToDictionary(problem => (problem.Status, problem.Title));

    public static IReadOnlyList<Problem> All => Known;

    /// <summary>The kind that has this status and this error as its title.</summary>
    public static Problem Of(int status, string error) =>
        ByTitle.GetValueOrDefault((status, error)) ?? new Problem("", status, ReasonPhrases.GetReasonPhrase(status), "");

    private static Problem Add(string name, int status, string title, string advice)
    {
        var problem = new Problem(name, status, title, advice);
        Known.Add(problem);
        return problem;
    }
}
