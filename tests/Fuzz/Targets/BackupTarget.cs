using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Common.Backup;
using Kv.Common.Identity;
using Kv.Fuzz.Inputs;

namespace Kv.Fuzz.Targets;

/// <summary>A backup file, often with checksums that fit so that it is looked into. What is read to its end comes to what its end says.</summary>
internal sealed class BackupTarget : IFuzzTarget
{
    private const int MagicLength = 8;
    private const int FrameHeaderLength = 13;

    private readonly TokenInputs _tokens = new(new(0xfeed), [new(1), new(2)]);

    public byte[] Generate(Random random, Corpus corpus)
    {
        var file = random.Next(8) switch
        {
            0 => random.Bytes(200),
            1 when corpus.Pick(random) is { } known => Mutation.Of(random, known),
            2 => File(random),
            3 => Mutation.Of(random, File(random)),
            _ => WithMutatedPiece(random, File(random)),
        };
        return random.OneIn(4) ? file : WithChecksums(file);
    }

    public ValueTask<string> RunAsync(byte[] input) => new(Bounds.Allocating(input.Length, () => Read(input)));

    public ValueTask DisposeAsync() => default;

    private static string Read(byte[] input)
    {
        var reader = new BackupReader();
        var content = default(ContentDigest);
        try
        {
            var rest = new ReadOnlySequence<byte>(input);
            while (reader.TryRead(ref rest, out var frame))
            {
                foreach (var entry in frame is BackupFrame.Entries entries ? entries.All : []) content = content.With(entry.Key, entry.Value.Span);
            }

            if (reader.Finish(rest).Content != content) throw new BrokenPromiseException("a backup is whole that does not have what its end says");
            return $"whole, with {Math.Min(reader.Header!.Parts.Length, 3)} shards{(content.Count > 0 ? " and keys" : "")}";
        }
        catch (BackupDamagedException refused)
        {
            return Bounds.Shape(refused.Message);
        }
    }

    private byte[] File(Random random)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BackupWriter(output);
        var parts = Enumerable.Range(0, random.Next(3)).Select(shard => new BackupPart(new(0, new(shard)), _tokens.Vector(random))).ToList();
        writer.Write(new BackupFrame.Header(new(0xfeed), "10.10.0.2:8080", 1, new(1), [.. parts]));
        var all = default(ContentDigest);
        foreach (var part in parts)
        {
            var entries = Enumerable.Range(0, random.Length(6)).Select(i => new BackupEntry(new Key($"k{i}"), random.Bytes(30), TokenInputs.Stamp(random))).OrderBy(entry => entry.Key).ToList();
            if (entries.Count > 0) writer.Write(new BackupFrame.Entries(entries));
            var content = entries.Aggregate(default(ContentDigest), (sum, entry) => sum.With(entry.Key, entry.Value.Span));
            writer.Write(new BackupFrame.PartEnd(part.Group, content));
            all += content;
        }

        writer.Write(new BackupFrame.Trailer(all, 2));
        return output.WrittenSpan.ToArray();
    }

    // The length of the piece follows, so that those after it are still found.
    private static byte[] WithMutatedPiece(Random random, byte[] file)
    {
        var starts = Starts(file).ToList();
        var at = random.Of([.. starts]);
        var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at + 1));
        var payload = Mutation.Of(random, file[(at + FrameHeaderLength)..(at + FrameHeaderLength + length)]);
        byte[] mutated = [.. file[..(at + FrameHeaderLength)], .. payload, .. file[(at + FrameHeaderLength + length)..]];
        BinaryPrimitives.WriteInt32BigEndian(mutated.AsSpan(at + 1), payload.Length);
        return mutated;
    }

    private static byte[] WithChecksums(byte[] file)
    {
        file = (byte[])file.Clone();
        Span<byte> prefix = stackalloc byte[FrameHeaderLength];
        var number = 0L;
        foreach (var at in Starts(file).ToList())
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at + 1));
            BinaryPrimitives.WriteInt64BigEndian(prefix, number++);
            file.AsSpan(at, 5).CopyTo(prefix[8..]);
            var hash = new XxHash3();
            hash.Append(prefix);
            hash.Append(file.AsSpan(at + FrameHeaderLength, length));
            BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(at + 5), hash.GetCurrentHashAsUInt64());
        }

        return file;
    }

    private static IEnumerable<int> Starts(byte[] file)
    {
        for (var at = MagicLength; at + FrameHeaderLength <= file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at + 1));
            if (length < 0 || length > file.Length - at - FrameHeaderLength) yield break;
            yield return at;
            at += FrameHeaderLength + length;
        }
    }
}
