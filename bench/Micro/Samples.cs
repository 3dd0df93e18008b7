using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;

namespace Kv.Micro;

/// <summary>What the benchmarks work on: a shard of three, a client that has seen two shards, JSON of 200 bytes.</summary>
internal static class Samples
{
    public static readonly ClusterId Cluster = new(0x0123456789abcdef);

    public static readonly CausalTokenCodec Codec = new("a secret of the cluster"u8, Cluster);

    public static readonly HybridTimestamp Stamp = new(0x0199_0000_0000_0001);

    /// <summary>A body as the load of run.sh sends it.</summary>
    public static readonly byte[] Body = Encoding.UTF8.GetBytes("{\"value\":\"" + new string('x', 188) + "\"}");

    /// <summary>A token that a client gets from a shard of three while nothing is stable yet.</summary>
    public static CausalToken Token(int shards)
    {
        var dots = Enumerable.Range(0, shards).SelectMany(shard => Vector(3, 1_000_000, shard));
        return new(new(1), Stamp, VersionVector.Of(dots));
    }

    /// <summary>One entry per replica, as of <paramref name="sequence"/> writes each.</summary>
    public static VersionVector Vector(int replicas, ulong sequence, int shard = 0) =>
        VersionVector.Of(Enumerable.Range(1, replicas).Select(i => new Dot(OriginOf(i, shard), sequence + (ulong)i)));

    public static WriteRecord Record(string key) => new(
        new(key), Body.AsMemory(9, Body.Length - 10), isTombstone: false, Stamp, new(OriginOf(1, 0), 1_000_001), Codec.Seal(Token(1)));

    private static Origin OriginOf(int replica, int shard) => new(new((ulong)replica * 0x1111_1111_1111_1111), new(0, new(shard)));
}
