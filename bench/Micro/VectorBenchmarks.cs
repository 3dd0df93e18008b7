using BenchmarkDotNet.Attributes;
using Kv.Common.Causality;

namespace Kv.Micro;

/// <summary>The vector algebra on the request path.</summary>
[MemoryDiagnoser]
public class VectorBenchmarks
{
    private VersionVector _mine = VersionVector.Empty;
    private VersionVector _ahead = VersionVector.Empty;
    private VersionVector _concurrent = VersionVector.Empty;

    [Params(3, 12)]
    public int Replicas { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        _mine = Samples.Vector(Replicas, 1_000);
        _ahead = Samples.Vector(Replicas, 2_000);
        _concurrent = _mine.With(_ahead[0]);
        _mine = _mine.With(_ahead[^1]);
    }

    [Benchmark]
    public VersionVector JoinWithLater() => _mine.Join(_ahead);

    [Benchmark]
    public VersionVector JoinWithConcurrent() => _mine.Join(_concurrent);

    [Benchmark]
    public bool Covers() => _ahead.Covers(_mine);
}
