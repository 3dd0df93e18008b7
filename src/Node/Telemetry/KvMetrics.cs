using System.Diagnostics.Metrics;

namespace Kv.Node.Telemetry;

/// <summary>
/// The instruments of one node. Names and units follow the OpenTelemetry conventions, and become those of Prometheus at <c>/metrics</c>; docs/observability.md says what each means. An
/// instance, not a static, so that several nodes can run in one process.
/// </summary>
internal sealed class KvMetrics : IDisposable
{
    public const string MeterName = "Kv.Node";

    private static readonly string[] ScrubKinds = ["missing_write", "wrong_count"];
    private static readonly string[] ShedKinds = ["reads", "writes", "listings", "batches", "waiting", "forwarded", "others", "subscribers", "feeds", "bodies", "answers", "connections"];
    private static readonly string[] RefusalKinds = ["no_key", "unknown_key", "role", "limit", "peer"];
    private static readonly string[] FeedEnds = ["client", "slow", "reset", "stopping", "key"];
    private static readonly string[] BackupKinds = ["backup", "restore", "digest"];
    private static readonly string[] WatchedKinds = ["rest", "peers", "api-keys"];

    private readonly Meter _meter;
    // Half a millisecond is a read in memory, ten seconds the longest that a request waits by default.
    private static readonly double[] DurationBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Counter<long> _requests;
    private readonly Histogram<double> _durations;
    private readonly Counter<long> _groupCommits;
    private readonly Counter<long> _groupCommitRecords;
    private readonly Counter<long> _broadcastRecords;
    private readonly Counter<long> _fetchedRecords;
    private readonly Counter<long> _forwarded;
    private readonly Counter<long> _causalWaits;
    private readonly Counter<long> _shed;
    private readonly Counter<long> _pulledPieces;
    private readonly Counter<long> _droppedRecords;
    private readonly Counter<long> _scrubbed;
    private readonly Counter<long> _scrubFindings;
    private readonly Counter<long> _changesTold;
    private readonly Counter<long> _changesScanned;
    private readonly Counter<long> _feedsEnded;
    private readonly Counter<long> _backupKeys;
    private readonly Counter<long> _backups;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _reloads;

    public KvMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _requests = _meter.CreateCounter<long>("kv.requests", "{request}", "Client requests answered, by method and status.");
        _durations = _meter.CreateHistogram(
            "kv.request.duration", "s", "Time from a client's request for a key to its answer, by method and status.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBounds });
        _groupCommits = _meter.CreateCounter<long>("kv.replica.group_commits", "{commit}", "Storage batches synced by the replica's writer.");
        _groupCommitRecords = _meter.CreateCounter<long>("kv.replica.committed_records", "{record}", "Records in those batches, local and delivered.");
        _broadcastRecords = _meter.CreateCounter<long>("kv.replication.sent_records", "{record}", "Records sent to peers by causal broadcast, by peer.");
        _fetchedRecords = _meter.CreateCounter<long>("kv.replication.fetched_records", "{record}", "Records pulled from peers to fill gaps.");
        _forwarded = _meter.CreateCounter<long>("kv.forwarded_requests", "{request}", "Requests forwarded to a replica of another shard, by peer.");
        _causalWaits = _meter.CreateCounter<long>("kv.causal_waits", "{wait}", "Requests that had to wait for their token's past, by whether it came in time.");
        _pulledPieces = _meter.CreateCounter<long>("kv.repair.pulled_pieces", "{piece}", "Pieces of the ring in which this replica differed from a member, and that it pulled anew.");
        _droppedRecords = _meter.CreateCounter<long>("kv.repair.dropped_records", "{record}", "Records that a member had no more, and that this replica dropped with it.");
        _scrubbed = _meter.CreateCounter<long>("kv.scrub.arcs", "{arc}", "Arcs of the ring compared with another member in the background.");
        _scrubFindings = _meter.CreateCounter<long>("kv.scrub.findings", "{finding}", "What was not as it must be, and was mended, by kind.");
        _changesTold = _meter.CreateCounter<long>("kv.changes.events", "{event}", "Writes and deletions told to change feeds.");
        _changesScanned = _meter.CreateCounter<long>("kv.changes.scans", "{scan}", "Times that a feed had to be told the state of a shard, because no log reached back to where it was.");
        _feedsEnded = _meter.CreateCounter<long>("kv.changes.ended", "{feed}", "Change feeds that ended, by reason.");
        _backupKeys = _meter.CreateCounter<long>("kv.backup.keys", "{key}", "Keys sent by backups and written by restores that this node ran, by kind.");
        _backups = _meter.CreateCounter<long>("kv.backup.ended", "{run}", "Backups, restores and digests that this node ran to their end, by kind and by whether they were done.");
        _refused = _meter.CreateCounter<long>("kv.refused", "{request}", "Requests, and connections of peers, refused because of who asked, by why.");
        _reloads = _meter.CreateCounter<long>("kv.security.reloads", "{reload}", "Changes of the files of keys and certificates, by what they are of and whether they could be used.");
        _shed = _meter.CreateCounter<long>("kv.shed", "{refusal}", "Requests refused, and connections ended, because there were too many, by what there was too much of.");
    }

    /// <summary>Something was refused because there is too much of it.</summary>
    public void Shed(string what) => _shed.Add(1, new KeyValuePair<string, object?>("what", what));

    /// <summary>A client's request for a key was answered, <paramref name="took"/> after it came.</summary>
    public void Answered(string method, int status, TimeSpan took)
    {
        KeyValuePair<string, object?> byMethod = new("method", method), byStatus = new("status", status);
        _requests.Add(1, byMethod, byStatus);
        _durations.Record(took.TotalSeconds, byMethod, byStatus);
    }

    /// <summary>Whoever watches a counter has to see it before it counts for the first time: an increase from nothing is none.</summary>
    public void BeginAtZero()
    {
        foreach (var method in (string[])["GET", "PUT", "DELETE"])
        {
            foreach (var status in (int[])[200, 503]) _requests.Add(0, new("method", method), new("status", status));
        }

        foreach (var counter in (Counter<long>[])[_groupCommits, _groupCommitRecords, _fetchedRecords, _pulledPieces, _droppedRecords, _scrubbed, _changesTold, _changesScanned]) counter.Add(0);
        foreach (var satisfied in (bool[])[true, false]) _causalWaits.Add(0, new KeyValuePair<string, object?>("satisfied", satisfied));
        foreach (var kind in ScrubKinds) _scrubFindings.Add(0, new KeyValuePair<string, object?>("kind", kind));
        foreach (var what in ShedKinds) _shed.Add(0, new KeyValuePair<string, object?>("what", what));
        foreach (var why in RefusalKinds) _refused.Add(0, new KeyValuePair<string, object?>("why", why));
        foreach (var reason in FeedEnds) _feedsEnded.Add(0, new KeyValuePair<string, object?>("reason", reason));
        foreach (var (kind, done) in BackupKinds.SelectMany(kind => (bool[])[true, false], (kind, done) => (kind, done))) _backups.Add(0, new("kind", kind), new("done", done));
        foreach (var kind in BackupKinds) _backupKeys.Add(0, new KeyValuePair<string, object?>("kind", kind));
        foreach (var (what, usable) in WatchedKinds.SelectMany(what => (bool[])[true, false], (what, usable) => (what, usable))) _reloads.Add(0, new("what", what), new("usable", usable));
    }

    /// <summary>A request or a peer's connection was refused because of who asked.</summary>
    public void Refused(string why) => _refused.Add(1, new KeyValuePair<string, object?>("why", why));

    /// <summary>Files of keys or certificates have changed.</summary>
    public void Reloaded(string what, bool isUsable) => _reloads.Add(1, new("what", what), new("usable", isUsable));

    public void GroupCommitted(int records)
    {
        _groupCommits.Add(1);
        _groupCommitRecords.Add(records);
    }

    public void Sent(string peer, int records) => _broadcastRecords.Add(records, new KeyValuePair<string, object?>("peer", peer));

    public void Fetched(int records) => _fetchedRecords.Add(records);

    /// <summary>So many pieces differed from a member's, and are pulled.</summary>
    public void Pulled(int pieces) => _pulledPieces.Add(pieces);

    /// <summary>So many records were dropped, because a member had dropped them.</summary>
    public void Dropped(int records) => _droppedRecords.Add(records);

    public void Scrubbed(int arcs) => _scrubbed.Add(arcs);

    public void ScrubFound(string kind) => _scrubFindings.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void ChangeTold() => _changesTold.Add(1);

    public void ChangesScanned() => _changesScanned.Add(1);

    public void FeedEnded(string reason) => _feedsEnded.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <summary>A backup sent, or a restore wrote, so many keys.</summary>
    public void BackupMoved(string kind, long keys) => _backupKeys.Add(keys, new KeyValuePair<string, object?>("kind", kind));

    public void BackupEnded(string kind, bool isDone) => _backups.Add(1, new("kind", kind), new("done", isDone));

    public void Forwarded(string peer) => _forwarded.Add(1, new KeyValuePair<string, object?>("peer", peer));

    public void CausalWaited(bool satisfied) => _causalWaits.Add(1, new KeyValuePair<string, object?>("satisfied", satisfied));

    /// <summary>Registers a value that is read when metrics are collected.</summary>
    /// <param name="name">By the conventions of OpenTelemetry.</param>
    /// <param name="unit">By the conventions of OpenTelemetry. Null for what has none, such as a state: "1" would make it a ratio at <c>/metrics</c>.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="read">The value now.</param>
    public void Observe(string name, string? unit, string description, Func<long> read) =>
        _meter.CreateObservableGauge(name, read, unit, description);

    /// <summary>The same with one value per peer.</summary>
    public void ObservePerPeer(string name, string? unit, string description, Func<IEnumerable<(string Peer, double Value)>> read) =>
        ObservePer("peer", name, unit, description, read);

    /// <summary>The same with one value for each of what <paramref name="label"/> is of.</summary>
    public void ObservePer(string label, string name, string? unit, string description, Func<IEnumerable<(string Which, double Value)>> read) =>
        _meter.CreateObservableGauge(
            name, () => read().Select(v => new Measurement<double>(v.Value, new KeyValuePair<string, object?>(label, v.Which))), unit, description);

    public void Dispose() => _meter.Dispose();
}
