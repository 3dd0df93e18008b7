using Grpc.Core;
using Kv.Common.Identity;
using Kv.Faults.Load;
using Kv.Faults.Testbeds;
using Kv.Histories;
using Kv.TestSupport;

namespace Kv.Faults.Judgement;

/// <summary>Reads every key of a round on every replica of its shard when the cluster is whole, compares them, and tells the history what is left.</summary>
internal sealed class FinalState(ITestbed testbed, TopologyWatch topology, RoundHistory history)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    public async Task<IReadOnlyList<Violation>> CompareAsync()
    {
        var violations = new List<Violation>();
        var final = new Dictionary<int, Rank>();
        for (var index = 0; index < history.Keys; index++)
        {
            var key = history.KeyOf(index);
            var shard = topology.Current.ShardOf(new Key(key));
            var nodes = topology.MembersOf(shard).Select(member => testbed.Nodes[member]).ToList();
            HeldRecord?[] records;
            try
            {
                records = await Task.WhenAll(nodes.Select(node => node.Probe.RecordAsync(key, Bound)));
            }
            catch (RpcException silent)
            {
                violations.Add(new("Progress after healing", $"k{index} cannot be looked at in shard {shard}: {silent.Status}"));
                continue;
            }

            // Replicas forget a deletion that all of them hold, each at its own time.
            var at = Math.Max(Array.FindIndex(records, each => each is not null), 0);
            for (var i = 0; i < records.Length; i++)
            {
                var isForgotten = records[i] is null && records[at] is { Value: null };
                if (records[i] != records[at] && !isForgotten) violations.Add(new("Replicas converge", $"k{index} is {Text(records[i])} at {nodes[i]}, and {Text(records[at])} at {nodes[at]}"));
            }

            if (records[at] is not { } record) continue;
            final[index] = Stamps.RankOf(record.Token);
            if (record.Value is null) continue;
            var put = history.PutOf(record.Value);
            if (put < 0) violations.Add(new("No value out of thin air", $"k{index} is {record.Value}, which nobody wrote"));
            else history.Establish(put, final[index]);
        }

        history.Finished.Final = final;
        return violations;
    }

    private static string Text(HeldRecord? record) => record is null ? "nothing" : $"{record.Value ?? "deleted"} by {record.Dot}";
}
