using Kv.Common.Identity;
using Kv.Node.Requests;

namespace Kv.Node.Observation;

/// <summary>
/// What happened between one look at the cluster and the next. A state machine without effects: the loop looks, this compares. Convergence has a memory, because replicas that differ
/// for a moment are the usual thing.
/// </summary>
internal sealed class Chronicle(TimeSpan convergencePatience)
{
    private const int MostNamed = 3;

    private StatusReport? _before;
    private DateTimeOffset? _differSince;
    private bool _isLost;

    /// <summary>What is new in <paramref name="now"/>, in the order in which it is to be told.</summary>
    public IReadOnlyList<Happening> Take(StatusReport now)
    {
        var before = _before;
        _before = now;
        if (before is null) return [new(now.At, "watch-begun", $"{now.Self.Address} began to watch, at epoch {now.Topology.Epoch}", now.Self.Address.ToString()), .. OfConvergence(now)];
        return [.. OfNodes(before, now), .. OfTopology(before, now), .. OfReshard(before, now), .. OfConvergence(now)];
    }

    private static IEnumerable<Happening> OfNodes(StatusReport before, StatusReport now)
    {
        var known = before.Nodes.ToDictionary(node => node.Address);
        foreach (var node in now.Nodes)
        {
            if (OfNode(known.GetValueOrDefault(node.Address), node) is var (kind, text)) yield return new(now.At, kind, $"{node.Address} {text}", node.Address.ToString());
        }

        var left = now.Nodes.Select(node => node.Address).ToHashSet();
        foreach (var gone in before.Nodes.Where(node => node.IsMember && !left.Contains(node.Address))) yield return Left(now, gone.Address);
        foreach (var gone in now.Nodes.Where(node => !node.IsMember && known.GetValueOrDefault(node.Address) is { IsMember: true, Incarnation: var former } && former == node.Incarnation))
            yield return Left(now, gone.Address);
    }

    private static (string Kind, string Text)? OfNode(NodeStatus? before, NodeStatus now)
    {
        if (before is not null && !before.Incarnation.IsNone && before.Incarnation != now.Incarnation) return ("node-replaced", $"is another incarnation now, {now.Incarnation}");
        if (before?.Condition == now.Condition) return null;
        var wasAway = before?.Condition is NodeCondition.Dead or NodeCondition.Suspected;
        return now.Condition switch
        {
            NodeCondition.Dead => ("node-dead", "is dead: nobody hears it"),
            NodeCondition.Suspected => ("node-suspected", "is suspected: it has been silent for too long"),
            NodeCondition.Unknown => before is null ? ("node-expected", "is a member and was not heard yet") : null,
            _ when wasAway => ("node-back", "is back"),
            _ when before is null or { Condition: NodeCondition.Unknown } => ("node-joined", "joined"),
            NodeCondition.Joining => ("node-joining", "joins a shard and is being filled"),
            NodeCondition.NotReady => ("node-not-ready", now.Reason is { } reason ? $"is not ready: {reason}" : "is not ready"),
            _ => ("node-ready", before.Condition is NodeCondition.Joining ? "serves its shard" : "is ready"),
        };
    }

    private static Happening Left(StatusReport now, NodeAddress node) => new(now.At, "node-left", $"{node} left the cluster", node.ToString());

    private static IEnumerable<Happening> OfTopology(StatusReport before, StatusReport now)
    {
        if (now.Topology.Epoch > before.Topology.Epoch) yield return new(now.At, "epoch-committed", $"Epoch {now.Topology.Epoch} was committed");
    }

    private static IEnumerable<Happening> OfReshard(StatusReport before, StatusReport now)
    {
        if (now.Topology.LastReshard is { } ended && ended.Id != before.Topology.LastReshard?.Id)
        {
            yield return ended.Committed
                ? new(now.At, "reshard-committed", $"The reshard was committed: {Count(now.Topology.Ring.ShardCount)} now")
                : new(now.At, "reshard-cancelled", $"The reshard was cancelled: {Count(now.Topology.Ring.ShardCount)}, as before");
        }

        if (now.Reshard is not { } reshard) yield break;
        var was = before.Reshard?.Transition.Id == reshard.Transition.Id ? before.Reshard : null;
        if (was is null) yield return new(now.At, "reshard-begun", $"A reshard to {Count(reshard.Transition.Ring.ShardCount)} began: keys are transferred");
        if (reshard.IsReady && was is not { IsReady: true }) yield return new(now.At, "reshard-committing", "Everything is in place: the reshard is being committed");
        if (reshard.Lacking is { } shard && was?.Lacking != shard) yield return new(now.At, "reshard-lacking", $"Shard {shard} to be has too few live nodes");
    }

    private IEnumerable<Happening> OfConvergence(StatusReport now)
    {
        if (now.Convergence.IsConverged)
        {
            if (_isLost) yield return new(now.At, "convergence-regained", "All replicas are equal again");
            (_differSince, _isLost) = (null, false);
            yield break;
        }

        // Who joins or is being filled makes no secret of it, and has events of its own.
        if (!Differing(now.Convergence).Any())
        {
            if (!_isLost) _differSince = null;
            yield break;
        }

        _differSince ??= now.At;
        if (_isLost || now.At - _differSince < convergencePatience) yield break;
        _isLost = true;
        yield return new(now.At, "convergence-lost", $"Not all replicas are equal: {Named([.. Differing(now.Convergence)])}");
    }

    private static IEnumerable<ReplicaConvergence> Differing(ConvergenceReport report) => report.Shards.SelectMany(shard => shard.Replicas)
        .Where(replica => replica.State is ReplicaEquality.Unreachable or ReplicaEquality.Behind or ReplicaEquality.Different);

    private static string Named(List<ReplicaConvergence> replicas) => string.Join(", ", replicas.Take(MostNamed).Select(replica => $"{replica.Address} is {replica.State.ToString().ToLowerInvariant()}"))
        + (replicas.Count > MostNamed ? $", and {replicas.Count - MostNamed} more" : "");

    private static string Count(int shards) => shards == 1 ? "1 shard" : $"{shards} shards";
}
