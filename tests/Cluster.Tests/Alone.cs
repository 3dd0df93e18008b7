namespace Kv.Cluster.Tests;

/// <summary>Tests whose bounds in seconds are part of what is tested: beside another cluster they would test the machine.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public static class Alone;
