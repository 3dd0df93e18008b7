using Kv.Fuzz.Targets;

namespace Kv.Fuzz.Tests;

/// <summary>A target whose product does what a test says.</summary>
internal sealed class PlantedTarget(Func<byte[], ValueTask<string>> product) : IFuzzTarget
{
    public byte[] Generate(Random random, Corpus corpus) => [(byte)random.Next(256)];

    public ValueTask<string> RunAsync(byte[] input) => product(input);

    public ValueTask DisposeAsync() => default;
}
