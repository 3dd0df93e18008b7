namespace Kv.Node.Hosting;

/// <summary>One of the variables that <see cref="NodeOptions"/> reads by name. Each can be given in the environment, or as <c>--NAME=value</c>.</summary>
/// <param name="Name">As it is written.</param>
/// <param name="Default">What it is when it is not given, in words.</param>
/// <param name="Meaning">One sentence without its full stop.</param>
internal sealed record NodeVariable(string Name, string Default, string Meaning)
{
    /// <summary>All there are, in the order in which they are met.</summary>
    public static IReadOnlyList<NodeVariable> All { get; } =
    [
        new("SOCKET_ADDRESS", "0.0.0.0:8080", "This node's public host:port; REST listens on its port, peers on that port plus Peers:PortOffset"),
        new("VIEW", "this node alone", "The addresses of the nodes to start from, comma-separated, this node's included"),
        new("SHARD_COUNT", "none: the node joins the cluster that somebody in VIEW belongs to", "How many shards the cluster of VIEW begins with"),
        new("KV_DATA_DIR", "data/<host>-<port>", "Where this node keeps its data"),
        new("KV_CLUSTER_SECRET", "none: tokens are protected against corruption, not against forgery, and without certificates anybody can join", "Seals tokens, and without certificates is how nodes know each other; the same on every node, from the first write on"),
        new("KV_ACCEPTED_SECRETS", "none", "Secrets that are accepted besides KV_CLUSTER_SECRET, comma-separated; for changing it"),
        new("KV_API_KEYS_FILE", "none: whoever reaches REST may do everything", "A file of the API keys that REST accepts, a line name role hash each; --make-api-key makes one"),
        new("KV_STORAGE", "rocksdb", "rocksdb, or memory for trying out: then nothing survives the process"),
        new("KV_REBUILD", "false", "true, or the argument --rebuild: damaged data are put aside and the node is filled by its peers; force, or --rebuild=force: once, whatever the data are like"),
        new(NodeHost.LogFormatVariable, "text", "How the log is written to the standard output: text, a line for each event, or json, an object for each"),
        new("OTEL_EXPORTER_OTLP_ENDPOINT", "none: nothing is exported", "Where traces and metrics are sent over OTLP, such as http://collector:4317; docs/observability.md says which, and has further variables of OpenTelemetry"),
        new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "as above", "Where traces are sent, if not there as well; with http/protobuf the whole URL"),
        new("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "as above", "Where metrics are sent, if not there as well; with http/protobuf the whole URL"),
        new("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "grpc or http/protobuf"),
        new("OTEL_TRACES_EXPORTER", "otlp if there is an endpoint for traces", "otlp or none"),
        new("OTEL_METRICS_EXPORTER", "otlp if there is an endpoint for metrics", "otlp or none; /metrics is there in any case"),
        new("OTEL_SDK_DISABLED", "false", "true: nothing is exported, whatever else is set"),
    ];
}
