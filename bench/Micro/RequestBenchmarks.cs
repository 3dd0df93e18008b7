using BenchmarkDotNet.Attributes;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Rest;

namespace Kv.Micro;

/// <summary>What a request costs before it reaches the replica.</summary>
[MemoryDiagnoser]
public class RequestBenchmarks
{
    private readonly HashRing _ring = HashRing.For(16);
    private readonly Key _key = new("bench1000001");

    [Benchmark]
    public bool ReadKey() => RestRequest.TryReadKey("bench1000001", 50, out _, out _);

    [Benchmark]
    public bool ReadBody() => RequestBody.TryRead(Samples.Body, out _, out _);

    [Benchmark]
    public ShardId OwnerOfKey() => _ring.OwnerOf(_key.Position);
}
