using Kv.Common.Migration;
using Kv.Fuzz.Inputs;
using Kv.Node.Storage;

namespace Kv.Fuzz.Targets;

/// <summary>The stored state of a replica. What is read is what writing it gives.</summary>
internal sealed class CheckpointTarget : IFuzzTarget
{
    private readonly TokenInputs _tokens = new(new(0xfeed), [new(1), new(2)]);

    public byte[] Generate(Random random, Corpus corpus) => random.Next(8) switch
    {
        0 => random.Bytes(200),
        1 when corpus.Pick(random) is { } known => Mutation.Of(random, known),
        2 => CheckpointCodec.Encode(Checkpoint(random)),
        _ => Mutation.Of(random, CheckpointCodec.Encode(Checkpoint(random))),
    };

    public ValueTask<string> RunAsync(byte[] input) => new(Bounds.Allocating(input.Length, () => Read(input)));

    public ValueTask DisposeAsync() => default;

    private static string Read(byte[] input)
    {
        try
        {
            var checkpoint = CheckpointCodec.Decode(input);
            if (!CheckpointCodec.Encode(checkpoint).AsSpan().SequenceEqual(input)) throw new BrokenPromiseException("a row is read that writing does not give");
            return $"read, {(checkpoint.Place is null ? "no place" : "a place")}, {checkpoint.Fill?.Sources.Length.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no"} sources, {Math.Min(checkpoint.Former.Length, 3)} former";
        }
        catch (InvalidDataException refused)
        {
            return Bounds.Shape(refused.Message);
        }
    }

    private ReplicaCheckpoint Checkpoint(Random random) => new(random.OneIn(4) ? null : new((uint)random.Number()), _tokens.Vector(random), TokenInputs.Stamp(random), (long)random.Number())
    {
        LoggedAfter = _tokens.Vector(random),
        IsComplete = random.OneIn(2),
        Fill = random.OneIn(2) ? null : new Fill(new((uint)random.Number()), new(random.Number()), random.OneIn(2), (uint)random.Number(), [.. Enumerable.Range(0, random.Length(20)).Select(_ => Source(random))]),
        Former = [.. Enumerable.Range(0, random.Length(6)).Select(_ => new FormerPlace(new((uint)random.Number()), _tokens.Vector(random), _tokens.Vector(random)))],
    };

    private FillSource Source(Random random) => new(new((uint)random.Number()), _tokens.Vector(random), random.OneIn(2) ? null : _tokens.Vector(random), random.OneIn(2));
}
