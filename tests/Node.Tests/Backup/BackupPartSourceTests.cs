using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Backup;
using Kv.Node.Storage;

namespace Kv.Node.Tests.Backup;

/// <summary>A snapshot, and over it what belongs to the same cut.</summary>
public sealed class BackupPartSourceTests
{
    private static readonly ReplicaGroup Group = new(0, new(0));
    private static readonly ClusterTopology Topology = Genesis.Provisional([NodeAddress.Parse("10.10.0.2:8080")], 1);
    private static readonly CausalTokenCodec Tokens = new("secret"u8, Topology.Cluster);

    [Fact]
    public void Of_each_key_the_later_write_counts_wherever_it_comes_from()
    {
        var part = Part(Write("a", "1", 1), Write("b", "1", 2), Write("c", "1", 9), Write("d", "1", 4));
        part.Include([Write("b", "2", 5), Write("c", "older", 6), Write("d", null, 7), Write("e", "1", 8)], VersionVector.Of(DotOf(9)));
        var all = part.Scan(Topology, [new(Group, part.Vector)], new(100)).ToList();
        Assert.Equal(all.Select(record => record.Key).Order(), all.Select(record => record.Key));
        Assert.Equal(["a=1", "b=2", "c=1", "d=", "e=1"], all.Select(Text).Order());
    }

    [Fact]
    public void What_was_included_tells_what_it_depends_on()
    {
        var part = Part();
        Assert.Equal(VersionVector.Of(DotOf(3), DotOf(2)), part.Include([Write("a", "1", 2), Write("b", "1", 3)], VersionVector.Of(DotOf(3))));
        Assert.True(part.Vector.Covers(DotOf(3)));
    }

    [Fact]
    public void A_write_whose_cause_is_in_no_part_is_not_given()
    {
        var part = Part(Write("a", "1", 1), Write("b", "1", 2, dependsOn: DotOf(77)));
        var refused = Assert.Throws<BackupRefusedException>(() => part.Scan(Topology, [new(Group, part.Vector)], new(100)).ToList());
        Assert.Contains(DotOf(77).ToString(), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_write_that_is_later_than_what_was_looked_for_is_not_given()
    {
        var part = Part(Write("a", "1", 1), Write("b", "1", 7));
        Assert.Throws<BackupRefusedException>(() => part.Scan(Topology, [new(Group, part.Vector)], new(6)).ToList());
    }

    private static BackupPartSource Part(params WriteRecord[] records) => new(Group, Topology.Ring, new Snapshot(records));

    private static Dot DotOf(ulong sequence) => new(new(new(1), Group), sequence);

    private static WriteRecord Write(string key, string? value, ulong sequence, Dot? dependsOn = null)
    {
        var stamp = new HybridTimestamp(sequence);
        var token = new CausalToken(Topology.Epoch, stamp, VersionVector.Of(DotOf(sequence), dependsOn ?? DotOf(sequence)));
        return new(new Key(key), Encoding.UTF8.GetBytes(value ?? ""), value is null, stamp, DotOf(sequence), Tokens.Seal(token));
    }

    private static string Text(WriteRecord record) => $"{record.Key}={Encoding.UTF8.GetString(record.Value.Span)}";

    private sealed class Snapshot(WriteRecord[] records) : IStorageSnapshot
    {
        public ReplicaCheckpoint Checkpoint { get; } = ReplicaCheckpoint.Empty with { Place = Group, Vector = VersionVector.Of(records.Select(record => record.Dot)) };

        public IEnumerable<WriteRecord> Scan(RingRange range) => records.Where(record => range.Contains(record.Key.Position)).OrderBy(record => record.Key);

        public void Dispose()
        {
        }
    }
}
