using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Common.Replication;
using Kv.Fuzz.Inputs;
using Kv.Node.Storage;

namespace Kv.Fuzz.Targets;

/// <summary>A stored record, with a checksum that fits so that it is looked into. What is read is what writing it gives.</summary>
internal sealed class RecordTarget : IFuzzTarget
{
    private const int ChecksumAt = 2;
    private const int StampAt = 6;

    private readonly TokenInputs _tokens = new(new(0xfeed), [new(1), new(2)]);

    public byte[] Generate(Random random, Corpus corpus)
    {
        var row = random.Next(8) switch
        {
            0 => random.Bytes(200),
            1 when corpus.Pick(random) is { } known => Mutation.Of(random, known),
            2 => Encoded(random),
            _ => Mutation.Of(random, Encoded(random)),
        };
        return row.Length > StampAt && !random.OneIn(6) ? WithChecksum(row) : row;
    }

    public ValueTask<string> RunAsync(byte[] input) => new(Bounds.Allocating(input.Length, () => Read(input)));

    public ValueTask DisposeAsync() => default;

    private static string Read(byte[] input)
    {
        WriteRecord record;
        try
        {
            record = RecordCodec.Decode(input, new("data", [1, 2, 3]));
        }
        catch (InvalidDataException refused)
        {
            return Bounds.Shape(refused.Message);
        }

        if (!RecordCodec.Encode(record, new byte[RecordCodec.Measure(record)]).SequenceEqual(input)) throw new BrokenPromiseException("a row is read that writing does not give");
        return $"read{(record.IsTombstone ? ", a tombstone" : "")}{(record.Value.IsEmpty ? "" : ", with a value")}";
    }

    private byte[] Encoded(Random random)
    {
        var record = new WriteRecord(new(random.Bytes(60)), random.Bytes(random.OneIn(20) ? 5000 : 40), random.OneIn(4), TokenInputs.Stamp(random), _tokens.Dot(random), _tokens.Sealed(random));
        return RecordCodec.Encode(record, new byte[RecordCodec.Measure(record)]).ToArray();
    }

    private static byte[] WithChecksum(byte[] row)
    {
        row = (byte[])row.Clone();
        if (row[0] > 3) row[0] = RecordCodec.Version;
        BinaryPrimitives.WriteUInt32BigEndian(row.AsSpan(ChecksumAt), (uint)XxHash3.HashToUInt64(row.AsSpan(StampAt), (row[0] << 8) | row[1]));
        return row;
    }
}
