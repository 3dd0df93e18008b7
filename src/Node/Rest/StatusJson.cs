using System.Text.Json;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Observation;

namespace Kv.Node.Rest;

/// <summary>A status as JSON members; docs/console.md says what they mean.</summary>
internal static class StatusJson
{
    public static void Write(Utf8JsonWriter json, StatusReport report)
    {
        var topology = report.Topology;
        json.WriteString("socket-address", report.Self.Address.ToString());
        json.WriteString("cluster-id", report.Self.Cluster.ToString());
        json.WriteNumber("unix-ms", report.At.ToUnixTimeMilliseconds());
        json.WriteNumber("epoch", topology.Epoch.Value);
        json.WriteBoolean("sealed", topology.IsSealed);
        json.WriteBoolean("converged", report.Convergence.IsConverged);
        json.WriteNumber("keys", topology.Shards.Sum(shard => report.KeysOf(shard.Id)));
        json.WriteNumber("requests-per-second", Math.Round(report.Nodes.Sum(node => node.RequestsPerSecond)));
        json.WriteStartArray("nodes");
        foreach (var node in report.Nodes) Write(json, node);
        json.WriteEndArray();
        json.WriteStartArray("shards");
        foreach (var shard in topology.Shards) Write(json, shard, report);
        json.WriteEndArray();
        json.WriteStartObject("reshard");
        ReshardEndpoints.WriteProgress(json, report.Reshard, topology.LastReshard, report.LastSeen);
        json.WriteEndObject();
    }

    /// <summary>Which shard owns which arcs, and which is to own them when the reshard under way is through.</summary>
    public static void WriteRing(Utf8JsonWriter json, ClusterTopology topology)
    {
        json.WriteNumber("layout", topology.Layout);
        json.WriteNumber("arcs", topology.Ring.ArcCount);
        WriteRuns(json, "runs", topology.Ring);
        if (topology.Transition is { } transition) WriteRuns(json, "next-runs", transition.Ring);
    }

    // As pairs of a shard and how many arcs in a row it owns: half of what an owner for each arc would take.
    private static void WriteRuns(Utf8JsonWriter json, string name, HashRing ring)
    {
        json.WriteStartArray(name);
        for (var arc = 0; arc < ring.ArcCount;)
        {
            var (owner, first) = (ring.OwnerOfArc(arc), arc);
            while (arc < ring.ArcCount && ring.OwnerOfArc(arc) == owner) arc++;
            json.WriteNumberValue(owner.Value);
            json.WriteNumberValue(arc - first);
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, NodeStatus node)
    {
        json.WriteStartObject();
        json.WriteString("socket-address", node.Address.ToString());
        json.WriteString("state", NameOf(node.Condition));
        if (node.Reason is { } reason) json.WriteString("reason", reason);
        json.WriteBoolean("member", node.IsMember);
        if (!node.Incarnation.IsNone) json.WriteString("incarnation", node.Incarnation.ToString());
        json.WriteString("role", node.Role.ToString().ToLowerInvariant());
        if (node.Shard is { } shard) json.WriteString("shard-id", shard.ToString());
        json.WriteNumber("epoch", node.Epoch.Value);
        json.WriteNumber("keys", node.Keys);
        json.WriteNumber("requests-per-second", Math.Round(node.RequestsPerSecond));
        if (node.Replica is { } replica)
        {
            json.WriteString("replica", ConvergenceEndpoints.NameOf(replica.State));
            json.WriteNumber("lacks-writes", replica.Lacks);
        }

        if (node.LastHeard is { } heard) json.WriteNumber("last-heard-ms-ago", (long)heard.TotalMilliseconds);
        json.WriteNumber("suspicion", Math.Round(Math.Min(node.Suspicion, 1000), 2));
        json.WriteNumber("clock-skew-ms", (long)node.ClockSkew.TotalMilliseconds);
        if (node.Filling is { } filling)
        {
            json.WriteStartObject("filling");
            json.WriteNumber("ranges-done", filling.PartsDone);
            json.WriteNumber("ranges-total", filling.PartsTotal);
            json.WriteNumber("keys-moved", filling.Records);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ShardMembers shard, StatusReport report)
    {
        json.WriteStartObject();
        json.WriteString("shard-id", shard.Id.ToString());
        json.WriteNumber("arcs", report.Topology.Ring.ArcsOf(shard.Id));
        json.WriteNumber("keys", report.KeysOf(shard.Id));
        json.WriteBoolean("converged", report.Convergence.Shards.Any(each => each.Shard == shard.Id && each.IsConverged));
        WriteAddresses(json, "members", shard.Members);
        WriteAddresses(json, "joining", shard.Joining);
        WriteAddresses(json, "leaving", shard.Leaving);
        json.WriteEndObject();
    }

    private static void WriteAddresses(Utf8JsonWriter json, string name, IEnumerable<NodeAddress> addresses)
    {
        json.WriteStartArray(name);
        foreach (var address in addresses) json.WriteStringValue(address.ToString());
        json.WriteEndArray();
    }

    private static string NameOf(NodeCondition condition) => condition switch
    {
        NodeCondition.Dead => "dead",
        NodeCondition.Suspected => "suspected",
        NodeCondition.Unknown => "unknown",
        NodeCondition.Joining => "joining",
        NodeCondition.NotReady => "not-ready",
        NodeCondition.Alive => "alive",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
