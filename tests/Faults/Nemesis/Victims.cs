using Kv.Faults.Load;
using Kv.Faults.Testbeds;

namespace Kv.Faults.Nemesis;

/// <summary>Which nodes something is done to in a round: nothing else is done to them at the same time.</summary>
internal sealed class Victims(ITestbed testbed, TopologyWatch topology)
{
    private readonly Lock _gate = new();
    private readonly HashSet<TestNode> _taken = [];

    /// <summary>Takes one node that is nobody's victim, if there is one that fits.</summary>
    public TestNode? Take(Random random, Func<TestNode, bool>? fits = null)
    {
        lock (_gate)
        {
            TestNode[] candidates = [.. testbed.Nodes.Where(node => !_taken.Contains(node) && fits?.Invoke(node) != false)];
            if (candidates.Length == 0) return null;
            var taken = candidates[random.Next(candidates.Length)];
            _taken.Add(taken);
            return taken;
        }
    }

    /// <summary>One of a shard with at least so many members.</summary>
    public TestNode? TakeOfShard(Random random, int leastMembers, int? exceptShard = null) =>
        Take(random, node => topology.ShardOf(node) is { } shard && shard.Members.Length >= leastMembers && shard.Id.Value != exceptShard);

    public void Release(TestNode node)
    {
        lock (_gate) _taken.Remove(node);
    }
}
