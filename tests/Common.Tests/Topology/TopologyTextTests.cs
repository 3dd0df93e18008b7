using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public class TopologyTextTests
{
    private static readonly NodeAddress Newcomer = NodeAddress.Parse("kv-8.kv.default.svc:8080");

    [Fact]
    public void Every_kind_of_topology_is_read_as_it_was_written()
    {
        foreach (var topology in Kinds())
        {
            var read = TopologyText.Parse(TopologyText.Write(topology));
            Assert.Equal(topology.Digest, read.Digest);
            Assert.Equal(topology.Epoch, read.Epoch);
            Assert.Equal(topology.Members, read.Members);
            Assert.Equal(topology.Shards, read.Shards);
            Assert.Equal(topology.Acceptors, read.Acceptors);
            Assert.Equal(topology.Removed, read.Removed);
            Assert.Equal(topology.RecentOperations, read.RecentOperations);
            Assert.Equal(topology.ShardOf(new Key("some key")), read.ShardOf(new Key("some key")));
        }

        Assert.Distinct(Kinds().Select(topology => topology.Digest));
    }

    [Fact]
    public void Anything_else_is_refused()
    {
        var text = TopologyText.Write(TopologyRulesTests.Sealed(3, 1));
        string[] wrong =
        [
            "",
            "topology 1\n",
            text + "\n",
            text + "surprise 1\n",
            text.Replace("topology 2", "topology 3", StringComparison.Ordinal),
            text.Replace("ring 1", "ring 2", StringComparison.Ordinal),
            text.Replace("ring 1", "ring 99999", StringComparison.Ordinal),
            text.Replace("ring 1", "ring -1", StringComparison.Ordinal),
            text.Replace("epoch 2", "epoch 02", StringComparison.Ordinal),
            text.Replace("epoch 2", "epoch 99999999999999999999999", StringComparison.Ordinal),
            text.Replace("replica 0 10.0.0.2:8080", "replica 0 10.0.0.9:8080", StringComparison.Ordinal),
            text.Replace("replica 0 10.0.0.2:8080\n", "", StringComparison.Ordinal).Replace("replica 0 10.0.0.1:8080\n", "", StringComparison.Ordinal)
                .Replace("replica 0 10.0.0.3:8080\n", "", StringComparison.Ordinal),
            text.Replace("member 10.0.0.2:8080", "member nonsense", StringComparison.Ordinal),
            text.Replace("\n", "\r\n", StringComparison.Ordinal),
            new string('x', TopologyText.MostCharacters + 1),
        ];
        foreach (var each in wrong) Assert.ThrowsAny<FormatException>(() => TopologyText.Parse(each));
    }

    private static IEnumerable<ClusterTopology> Kinds()
    {
        yield return Genesis.Provisional([NodeAddress.Parse("10.0.0.1:8080"), NodeAddress.Parse("[::1]:8080")], 2);
        var topology = TopologyRulesTests.Sealed(4, 2);
        yield return topology;
        yield return topology = TopologyRulesTests.Next(topology, new TopologyChange.Admit(new(900), new(Newcomer, new(900))));
        yield return topology = TopologyRulesTests.Next(topology, new TopologyChange.AddReplica(new(901), new(1), Newcomer));
        yield return topology = TopologyRulesTests.Next(topology, new TopologyChange.Leave(new(902), topology.Members[0]));
        yield return TopologyRulesTests.Next(topology, new TopologyChange.Remove(new(903), topology.Members[0]));
        yield return TopologyRules.Recover(topology, [topology.Members[1]]);
    }
}
