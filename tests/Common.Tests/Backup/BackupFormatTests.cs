using System.Buffers;
using System.Text;
using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Tests.Backup;

/// <summary>A backup file is read as it was written, or not at all.</summary>
public sealed class BackupFormatTests
{
    private static readonly Gen<BackupEntry> Entry = Gen.Select(Gen.String[Gen.Char['a', 'z'], 1, 12], Gen.Byte.Array[1, 40], Generators.Stamp, (key, value, stamp) => new BackupEntry(new Key(key), value, stamp));

    private static readonly Gen<List<BackupFrame>> File = Gen.Select(Generators.WideVector.Array[0, 3], Entry.Array[0, 30], Gen.ULong, Gen.Int[1, 5]).Select(Make);

    [Fact]
    public void What_was_written_is_read_however_the_bytes_come() => Gen.Select(File, Gen.Int[1, 60]).Sample((frames, chunk) =>
    {
        var read = Read(Write(frames), chunk, out var reader);
        Assert.Equal(frames.Select(Text), read.Select(Text));
        Assert.Equal(((BackupFrame.Trailer)frames[^1]).Content, reader.Content);
    });

    [Fact]
    public void A_file_with_any_byte_changed_is_refused()
    {
        var file = Write(Small());
        for (var at = 0; at < file.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var damaged = (byte[])file.Clone();
                damaged[at] ^= (byte)(1 << bit);
                Assert.Throws<BackupDamagedException>(() => Read(damaged, int.MaxValue, out _));
            }
        }
    }

    [Fact]
    public void A_file_cut_off_anywhere_is_refused()
    {
        var file = Write(Small());
        for (var length = 0; length < file.Length; length++) Assert.Throws<BackupDamagedException>(() => Read(file[..length], int.MaxValue, out _));
    }

    [Fact]
    public void A_file_that_goes_on_after_its_end_is_refused() => Assert.Throws<BackupDamagedException>(() => Read([.. Write(Small()), 0], int.MaxValue, out _));

    [Fact]
    public void A_file_with_pieces_left_out_repeated_or_exchanged_is_refused()
    {
        var pieces = Pieces(Small());
        for (var i = 1; i < pieces.Count; i++)
        {
            Refused([.. pieces[..i], .. pieces[(i + 1)..]]);
            Refused([.. pieces[..i], pieces[i], .. pieces[i..]]);
            for (var j = i + 1; j < pieces.Count; j++)
            {
                var exchanged = pieces.ToList();
                (exchanged[i], exchanged[j]) = (exchanged[j], exchanged[i]);
                Refused(exchanged);
            }
        }

        static void Refused(List<byte[]> pieces) => Assert.Throws<BackupDamagedException>(() => Read([.. pieces.SelectMany(piece => piece)], int.MaxValue, out _));
    }

    [Fact]
    public void Frames_that_contradict_each_other_are_refused()
    {
        var frames = Small();
        var (entries, end, trailer) = (frames.FindIndex(frame => frame is BackupFrame.Entries), frames.FindIndex(frame => frame is BackupFrame.PartEnd), frames.Count - 1);
        Refused(entries, new BackupFrame.Entries([]));
        Refused(entries, new BackupFrame.Entries([.. ((BackupFrame.Entries)frames[entries]).All, .. ((BackupFrame.Entries)frames[entries]).All]));
        Refused(end, (BackupFrame.PartEnd)frames[end] with { Group = new ReplicaGroup(7, new ShardId(7)) });
        Refused(end, (BackupFrame.PartEnd)frames[end] with { Content = default });
        Refused(trailer, (BackupFrame.Trailer)frames[trailer] with { Content = default });

        void Refused(int at, BackupFrame frame)
        {
            var changed = frames.ToList();
            changed[at] = frame;
            Assert.Throws<BackupDamagedException>(() => Read(Write(changed), int.MaxValue, out _));
        }
    }

    [Fact]
    public void Random_bytes_are_no_backup_and_nothing_worse() => Gen.Select(Gen.Byte.Array[0, 200], Gen.Bool).Sample((bytes, begins) =>
        Assert.Throws<BackupDamagedException>(() => Read(begins ? [.. "KVBACKUP"u8, .. bytes] : bytes, int.MaxValue, out _)));

    [Fact]
    public void The_digest_of_a_set_is_the_same_in_any_order_and_another_for_another_set() => Entry.Array[1, 8].Sample(entries =>
    {
        Assert.Equal(DigestOf(entries), DigestOf(entries.Reverse()));
        Assert.NotEqual(DigestOf(entries).Value, DigestOf(entries[1..]).Value);
        Assert.NotEqual(DigestOf(entries).Value, DigestOf([entries[0] with { Value = (byte[])[0, .. entries[0].Value.Span] }, .. entries[1..]]).Value);
    });

    private static List<BackupFrame> Small() => Make(([VersionVector.Of(new Dot(new(new(9), new(0, new(0))), 5)), VersionVector.Empty], [.. Enumerable.Range(0, 6).Select(i => new BackupEntry(new Key($"k{i}"), Encoding.UTF8.GetBytes($"{i}"), new HybridTimestamp((ulong)i)))], 77, 2));

    private static List<BackupFrame> Make((VersionVector[] Vectors, BackupEntry[] Entries, ulong Number, int Pieces) made)
    {
        var parts = made.Vectors.Select((vector, shard) => new BackupPart(new ReplicaGroup(1, new ShardId(shard)), vector)).ToList();
        var frames = new List<BackupFrame> { new BackupFrame.Header(new ClusterId(made.Number), "10.10.0.2:8080", (long)(made.Number >> 1), new Epoch(made.Number), [.. parts]) };
        var all = default(ContentDigest);
        for (var i = 0; i < parts.Count; i++)
        {
            var entries = made.Entries.DistinctBy(entry => entry.Key).Where(entry => (int)(entry.Key.Position % (ulong)parts.Count) == i).OrderBy(entry => entry.Key).ToList();
            frames.AddRange(entries.Chunk(made.Pieces).Select(piece => new BackupFrame.Entries(piece)));
            frames.Add(new BackupFrame.PartEnd(parts[i].Group, DigestOf(entries)));
            all += DigestOf(entries);
        }

        frames.Add(new BackupFrame.Trailer(all, 12));
        return frames;
    }

    private static ContentDigest DigestOf(IEnumerable<BackupEntry> entries) => entries.Aggregate(default(ContentDigest), (sum, entry) => sum.With(entry.Key, entry.Value.Span));

    private static byte[] Write(IEnumerable<BackupFrame> frames) => [.. Pieces(frames).SelectMany(piece => piece)];

    private static List<byte[]> Pieces(IEnumerable<BackupFrame> frames)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BackupWriter(output);
        var pieces = new List<byte[]>();
        foreach (var frame in frames)
        {
            writer.Write(frame);
            pieces.Add(output.WrittenSpan.ToArray());
            output.ResetWrittenCount();
        }

        return pieces;
    }

    private static List<BackupFrame> Read(byte[] file, int chunk, out BackupReader reader)
    {
        reader = new BackupReader();
        var frames = new List<BackupFrame>();
        var buffer = ReadOnlySequence<byte>.Empty;
        for (var (from, to) = (0, 0); to < file.Length;)
        {
            to = (int)Math.Min((long)to + chunk, file.Length);
            buffer = new(file, from, to - from);
            while (reader.TryRead(ref buffer, out var frame)) frames.Add(frame);
            from = to - (int)buffer.Length;
        }

        reader.Finish(buffer);
        return frames;
    }

    private static string Text(BackupFrame frame) => frame switch
    {
        BackupFrame.Header header => $"{header.Cluster} {header.Node} {header.StartedUnixMs} {header.Epoch} {string.Join(' ', header.Parts)}",
        BackupFrame.Entries entries => string.Join(' ', entries.All.Select(entry => $"{entry.Key}={Convert.ToHexString(entry.Value.Span)}@{entry.Stamp}")),
        _ => frame.ToString(),
    };
}
