using System.Text;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Fuzz.Inputs;

namespace Kv.Fuzz.Targets;

/// <summary>A topology as nodes send it. What is read is what writing it gives, and can be asked everything that nodes ask.</summary>
internal sealed class TopologyTextTarget : IFuzzTarget
{
    private static readonly NodeAddress[] Nodes = [.. new[] { "10.10.0.2:8080", "10.10.0.3:8080", "10.10.0.10:8080", "[::1]:80", "node.example:1", "b:65535" }.Select(NodeAddress.Parse)];

    private readonly TopologyInputs _topologies = new(new(0xfeed), Nodes, [new(1), new(2), new(3), new(4), new(5), new(6)]);

    public byte[] Generate(Random random, Corpus corpus) => random.Next(8) switch
    {
        0 => random.Bytes(200),
        1 when corpus.Pick(random) is { } known => Mutation.Of(random, known),
        _ => Encoding.UTF8.GetBytes(_topologies.Text(random)),
    };

    public ValueTask<string> RunAsync(byte[] input) => new(Bounds.Allocating(input.Length, () => Read(Encoding.UTF8.GetString(input))));

    public ValueTask DisposeAsync() => default;

    private static string Read(string text)
    {
        ClusterTopology topology;
        try
        {
            topology = TopologyText.Parse(text);
        }
        catch (FormatException refused)
        {
            // What it quotes is cut where it leaves the node.
            return Bounds.Shape(refused.Message[..Math.Min(refused.Message.Length, 300)]);
        }

        if (TopologyText.Write(topology) != text) throw new BrokenPromiseException("a text is read that writing does not give");
        _ = (topology.Digest, topology.ToString(), topology.Scope, topology.ShardOf(new Key("k")));
        foreach (var shard in topology.Shards)
        {
            var group = topology.GroupOf(shard.Id);
            if (!topology.Concerns(group, group)) throw new BrokenPromiseException("a shard does not concern itself");
        }

        return $"read: {topology.Shards.Length} shards, {(topology.Transition is null ? "" : "resharding, ")}{(topology.IsSealed ? "sealed" : "forming")}";
    }
}
