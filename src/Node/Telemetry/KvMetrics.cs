using System.Diagnostics.Metrics;

namespace Kv.Node.Telemetry;

/// <summary>
/// The instruments of one node. Names and units follow the OpenTelemetry conventions; docs/operations.md says what each means. An instance, not a
/// static, so that several nodes can run in one process.
/// </summary>
internal sealed class KvMetrics : IDisposable
{
    public const string MeterName = "Kv.Node";

    private readonly Meter _meter;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _groupCommits;
    private readonly Counter<long> _groupCommitRecords;
    private readonly Counter<long> _broadcastRecords;
    private readonly Counter<long> _fetchedRecords;
    private readonly Counter<long> _forwarded;
    private readonly Counter<long> _causalWaits;
    private readonly Counter<long> _shed;
    private readonly Counter<long> _repaired;

    public KvMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _requests = _meter.CreateCounter<long>("kv.requests", "{request}", "Client requests answered, by method and status.");
        _groupCommits = _meter.CreateCounter<long>("kv.replica.group_commits", "{commit}", "Storage batches synced by the replica's writer.");
        _groupCommitRecords = _meter.CreateCounter<long>("kv.replica.committed_records", "{record}", "Records in those batches, local and delivered.");
        _broadcastRecords = _meter.CreateCounter<long>("kv.replication.sent_records", "{record}", "Records sent to peers by causal broadcast, by peer.");
        _fetchedRecords = _meter.CreateCounter<long>("kv.replication.fetched_records", "{record}", "Records pulled from peers to fill gaps.");
        _forwarded = _meter.CreateCounter<long>("kv.forwarded_requests", "{request}", "Requests forwarded to a replica of another shard, by peer.");
        _causalWaits = _meter.CreateCounter<long>("kv.causal_waits", "{wait}", "Requests that had to wait for their token's past, by whether it came in time.");
        _repaired = _meter.CreateCounter<long>("kv.repair", "{thing}", "What was found to differ and mended, by what: pieces pulled, records dropped.");
        _shed = _meter.CreateCounter<long>("kv.shed", "{refusal}", "Requests refused, and connections ended, because there were too many, by what there was too much of.");
    }

    /// <summary>Something was refused because there is too much of it.</summary>
    public void Shed(string what) => _shed.Add(1, new KeyValuePair<string, object?>("what", what));

    public void Answered(string method, int status) => _requests.Add(1, new("method", method), new("status", status));

    public void GroupCommitted(int records)
    {
        _groupCommits.Add(1);
        _groupCommitRecords.Add(records);
    }

    public void Sent(string peer, int records) => _broadcastRecords.Add(records, new KeyValuePair<string, object?>("peer", peer));

    public void Fetched(int records) => _fetchedRecords.Add(records);

    /// <summary>What mending a replica came to.</summary>
    public void Repaired(string what, long times) => _repaired.Add(times, new KeyValuePair<string, object?>("what", what));

    public void Forwarded(string peer) => _forwarded.Add(1, new KeyValuePair<string, object?>("peer", peer));

    public void CausalWaited(bool satisfied) => _causalWaits.Add(1, new KeyValuePair<string, object?>("satisfied", satisfied));

    /// <summary>Registers a value that is read when metrics are collected.</summary>
    public void Observe(string name, string unit, string description, Func<long> read) =>
        _meter.CreateObservableGauge(name, read, unit, description);

    /// <summary>The same with one value per peer.</summary>
    public void ObservePerPeer(string name, string unit, string description, Func<IEnumerable<(string Peer, double Value)>> read) =>
        _meter.CreateObservableGauge(
            name, () => read().Select(v => new Measurement<double>(v.Value, new KeyValuePair<string, object?>("peer", v.Peer))), unit, description);

    public void Dispose() => _meter.Dispose();
}
