using CsCheck;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Node.Storage;
using Xunit;

namespace Kv.StorageContract;

public sealed class RecordCodecTests
{
    private static readonly Gen<WriteRecord> Records = Gen.Select(
        Gen.Byte.Array[0, 60], Gen.Byte.Array[0, 300], Gen.Bool, Gen.ULong, Gen.Select(Gen.ULong, Gen.UInt, Gen.ULong), Gen.Byte.Array[0, 100],
        (key, value, tombstone, stamp, dot, token) =>
            new WriteRecord(new Key(key), value, tombstone, new HybridTimestamp(stamp), new Dot(new(new(dot.Item1), new(dot.Item2)), dot.Item3), token));

    [Fact]
    public void Any_record_comes_back_as_it_was() => Records.Sample(record =>
    {
        var row = Row(record);
        var read = RecordCodec.Decode(row, new RowName("data", []));
        var readByKey = RecordCodec.Decode(row, new RowName("data", []), record.Key);
        return Same(record, read) && Same(record, readByKey);
    });

    [Fact]
    public void Any_flipped_bit_is_refused_and_the_row_is_named() => Gen.Select(Records, Gen.Int[0, int.MaxValue]).Sample((record, where) =>
    {
        var row = Row(record);
        var bit = where % (row.Length * 8);
        row[bit / 8] ^= (byte)(1 << (bit % 8));
        Assert.Contains("data row abcd", Refusal(row));
    });

    [Fact]
    public void Any_shortened_row_is_refused_and_the_row_is_named() => Gen.Select(Records, Gen.Int[0, int.MaxValue]).Sample((record, where) =>
    {
        var row = Row(record);
        Assert.Contains("data row abcd", Refusal(row[..(where % row.Length)]));
    });

    [Fact]
    public void A_row_of_a_newer_format_is_refused_as_such()
    {
        var row = Row(Make.Record("key", "value", Make.Anna, 1));
        row[0] = RecordCodec.Version + 1;
        Assert.Contains("format 2", Refusal(row));
    }

    [Fact]
    public void A_row_that_holds_another_key_is_refused()
    {
        var row = Row(Make.Record("key", "value", Make.Anna, 1));
        Assert.Throws<InvalidDataException>(() => RecordCodec.Decode(row, new RowName("data", []), new Key("other")));
    }

    private static byte[] Row(WriteRecord record) => RecordCodec.Encode(record, new byte[RecordCodec.Measure(record)]).ToArray();

    private static string Refusal(byte[] row) => Assert.Throws<InvalidDataException>(() => RecordCodec.Decode(row, new RowName("data", [0xab, 0xcd]))).Message;

    private static bool Same(WriteRecord left, WriteRecord right) =>
        left.Key == right.Key && left.Value.Span.SequenceEqual(right.Value.Span) && left.IsTombstone == right.IsTombstone
        && left.Stamp == right.Stamp && left.Dot == right.Dot && left.Token.Span.SequenceEqual(right.Token.Span);
}
