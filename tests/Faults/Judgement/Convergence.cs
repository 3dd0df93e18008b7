using Grpc.Core;
using Kv.Common.Topology;
using Kv.Faults.Load;
using Kv.Faults.Testbeds;
using Kv.TestSupport;

namespace Kv.Faults.Judgement;

/// <summary>
/// Whether the cluster is whole: every node serves, sees all others and is in a shard; nothing is under way; the replicas of each shard hold the same, and
/// every node reports so.
/// </summary>
internal sealed class Convergence(ITestbed testbed, TopologyWatch topology, SuiteClock clock)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Looks until the cluster is whole. Returns what is still amiss after <paramref name="within"/>; null when nothing is.</summary>
    public async Task<string?> UntilWholeAsync(TimeSpan within, CancellationToken stop)
    {
        var since = clock.Now;
        while (await ProblemAsync() is { } problem)
        {
            if (clock.Since(since) > within || stop.IsCancellationRequested) return problem;
            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return null;
    }

    private async Task<string?> ProblemAsync()
    {
        try
        {
            return await NodesAsync() ?? await ViewsAsync() ?? await TopologiesAsync() ?? await ReplicasAsync() ?? await ReportedAsync();
        }
        catch (RpcException silent)
        {
            return $"a node does not answer at its gRPC door: {silent.Status.Detail}";
        }
    }

    private async Task<string?> NodesAsync()
    {
        foreach (var node in testbed.Nodes)
        {
            var ready = await node.Look.TryAsync(client => client.GetPathAsync("/readyz"));
            if (ready is not { Status: 200 }) return $"{node} is not ready: {ready?.ToString() ?? "no answer"}";
        }

        return null;
    }

    private async Task<string?> ViewsAsync()
    {
        var all = testbed.Nodes.Select(node => node.Address).Order(StringComparer.Ordinal).ToList();
        foreach (var node in testbed.Nodes)
        {
            var view = await node.Look.ViewAsync();
            if (!view.Order(StringComparer.Ordinal).SequenceEqual(all)) return $"{node} sees {string.Join(',', view)}";
        }

        return null;
    }

    private async Task<string?> TopologiesAsync()
    {
        var seen = await Task.WhenAll(testbed.Nodes.Select(node => node.Probe.TopologyAsync(Bound)));
        var newest = seen.MaxBy(each => each.Epoch)!;
        foreach (var node in testbed.Nodes) await topology.LookAsync(node);
        if (seen.FirstOrDefault(each => each.Epoch != newest.Epoch) is { } older) return $"one node is at {older}, another at {newest}";
        if (seen.Select(each => each.Digest).Distinct().Count() > 1) return $"two topologies of one epoch: {string.Join("; ", seen.Select(each => each.ToString()).Distinct())}";
        if (!newest.IsSealed || newest.Transition is not null || newest.Shards.Any(shard => !shard.Joining.IsEmpty || !shard.Leaving.IsEmpty)) return $"the topology is still to change: {newest}";
        var outsider = testbed.Nodes.FirstOrDefault(node => topology.ShardOf(node) is null);
        return outsider is null ? null : $"{outsider} is in no shard: {newest}";
    }

    private async Task<string?> ReplicasAsync()
    {
        var current = topology.Current;
        foreach (var shard in current.Shards)
        {
            var group = current.GroupOf(shard.Id);
            var members = topology.MembersOf(shard);
            var held = await Task.WhenAll(members.Select(member => testbed.Nodes[member].Probe.HoldingsAsync(Bound)));
            for (var i = 0; i < held.Length; i++)
            {
                if (held[i].Place != group.ToString()) return $"{testbed.Nodes[members[i]]} is of {held[i].Place}, not yet of {group}";
                if (held[i].LiveKeys != held[0].LiveKeys || !Concerning(current, held[i], shard).Equals(Concerning(current, held[0], shard)))
                    return $"{testbed.Nodes[members[i]]} holds {held[i].LiveKeys} keys at {held[i].Vector}, {testbed.Nodes[members[0]]} {held[0].LiveKeys} at {held[0].Vector}";
            }
        }

        return null;
    }

    // What an operator looks at. It compares digests of all that is held, which is more than the counts and vectors above.
    private async Task<string?> ReportedAsync()
    {
        foreach (var node in testbed.Nodes)
        {
            var answer = await node.Look.TryAsync(client => client.GetPathAsync("/key-value-store-view/convergence"));
            if (answer is not { Status: 200 }) return $"{node} does not report convergence: {answer?.ToString() ?? "no answer"}";
            if (!answer.Member("converged").GetBoolean()) return $"{node} reports: {answer}";
        }

        return null;
    }

    // What an origin wrote that had nothing to do with the shard may be named by one replica and not by another.
    private static Kv.Common.Causality.VersionVector Concerning(ClusterTopology topology, ReplicaHoldings held, ShardMembers shard) =>
        held.Vector.OfGroups(past => topology.Concerns(past, topology.GroupOf(shard.Id)));
}
