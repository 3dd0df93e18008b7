using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Kv.Node.Tests.VirtualTime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Replication;

/// <summary>What a member gives to another one that asks for what broadcast did not bring.</summary>
public sealed class FetchTests : IDisposable
{
    private const int Written = 24;

    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(2, 4).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly Origin OfEnded = new(new(9), new(0, new(0)));
    private static readonly ReplicaGroup Place = new(1, new(0));

    private readonly KvMetrics _metrics = new();

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task What_an_ended_group_wrote_to_keys_of_other_shards_is_left_out()
    {
        var topology = new ClusterTopology(
            new(1), new(4), Nodes.Select((node, at) => new TopologyMember(node, new((ulong)at + 1))), [new(new(0), [Nodes[0], Nodes[1]]), new(new(1), [Nodes[2], Nodes[3]])], [1, 2]);
        var records = Enumerable.Range(1, Written).Select(sequence => Record((ulong)sequence)).ToList();
        var held = VersionVector.Of([new(OfEnded, Written)]);
        var storage = new InMemoryStorage(new());
        await storage.CommitAsync(new(records, new Dictionary<Key, WriteRecord>(), ReplicaCheckpoint.Empty with { Place = Place, Vector = held }));
        var (self, clock) = (new NodeIdentity(topology.Cluster, Nodes[0], new(1)), new VirtualClock());
        var replica = new ReplicaState(self, new(topology), storage, new CausalTokenCodec("secret"u8, topology.Cluster), clock.Time, new(), _metrics, NullLogger<ReplicaState>.Instance);
        var giver = new InboundReplication(self, new Published<ClusterTopology>(topology), replica, clock.Time, new());

        var passages = giver.Fetch(new(Place, VersionVector.Empty, held)).SelectMany(batch => batch.Passages).ToList();

        var mine = records.Where(record => topology.Ring.OwnerOf(record.Key.Position) == Place.Shard).ToList();
        Assert.InRange(mine.Count, 1, Written - 1);
        Assert.Equal(mine.Select(record => record.Dot), passages.Where(passage => passage.Record is not null).Select(passage => passage.Through));
        // The rest is a gap, so that the receiver gets as far as the giver is.
        Assert.Equal(new Dot(OfEnded, Written), passages[^1].Through);
    }

    private static WriteRecord Record(ulong sequence) => new(new Key($"key{sequence}"), "1"u8.ToArray(), false, HybridTimestamp.At((long)sequence), new(OfEnded, sequence), ReadOnlyMemory<byte>.Empty);
}
