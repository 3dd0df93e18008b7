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
            Assert.Equal(topology.Layouts, read.Layouts);
            Assert.Equal(topology.LastReshard, read.LastReshard);
            Assert.Equal(topology.Scope, read.Scope);
            Assert.Equal(topology.Transition?.Begun, read.Transition?.Begun);
            Assert.Equal(topology.Transition?.Shards.AsEnumerable(), read.Transition?.Shards.AsEnumerable());
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
            text.Replace("topology 3", "topology 2", StringComparison.Ordinal),
            text.Replace("layout 1", "layout 2", StringComparison.Ordinal),
            text.Replace("layout 1", "layout 99999", StringComparison.Ordinal),
            text.Replace("layout 1", "layout 0\nlayout 1", StringComparison.Ordinal),
            text.Replace("layout 1", "layout -1", StringComparison.Ordinal),
            text.Replace("layout 1\n", "", StringComparison.Ordinal),
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

    [Fact]
    public void A_reshard_that_contradicts_itself_is_refused()
    {
        var resharding = ReshardRulesTests.Begin(TopologyRulesTests.Sealed(4, 1), 2);
        var (text, id) = (TopologyText.Write(resharding), resharding.Transition!.Id.ToString());
        string[] wrong =
        [
            text.Replace($"reshard {id} 3 2", $"reshard {id} 3 1", StringComparison.Ordinal),
            text.Replace($"reshard {id} 3 2", $"reshard {id} 3 3", StringComparison.Ordinal),
            text.Replace($"reshard {id} 3 2", $"reshard {id} 3 99999", StringComparison.Ordinal),
            text.Replace($"reshard {id} 3 2", $"reshard {id} 3", StringComparison.Ordinal),
            text.Replace($"reshard {id} 3 2", $"reshard {id} 3 2\nreshard {id} 3 2", StringComparison.Ordinal),
            text.Replace($"reshard {id} 3 2", $"reshard {default(OperationId)} 3 2", StringComparison.Ordinal),
            text.Replace($"reshard {id} 3 2\n", "", StringComparison.Ordinal),
            text.Replace("target 1 10.0.0.4:8080", "target 1 10.0.0.9:8080", StringComparison.Ordinal),
            text.Replace("target 1 10.0.0.4:8080", "target 1 10.0.0.3:8080", StringComparison.Ordinal),
            text.Replace("target 1 10.0.0.4:8080", "target-joining 1 10.0.0.4:8080\ntarget 1 10.0.0.4:8080", StringComparison.Ordinal),
            text.Replace("operation", $"resharded {id} perhaps\noperation", StringComparison.Ordinal),
        ];
        Assert.All(wrong, each => Assert.NotEqual(text, each));
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
        var resharding = ReshardRulesTests.Begin(topology, 1, live: topology.Members.RemoveAt(1));
        Assert.NotEmpty(resharding.Transition!.Shards[0].Joining);
        yield return resharding;
        yield return TopologyRulesTests.Next(resharding, new TopologyChange.CancelReshard(new(904), resharding.Transition.Id));
        yield return ReshardRulesTests.Commit(resharding, resharding.Members);
    }
}
