using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Migration;

namespace Kv.Node.Tests.Migration;

public sealed class TransferDigestTests
{
    private static readonly Dot Dot = new(new(new(1), new(2)), 3);

    private static readonly WriteRecord[] Records = [.. Enumerable.Range(0, 20).Select(i => Record(key: $"key{i}"))];

    [Fact]
    public void The_order_of_the_records_does_not_matter()
    {
        var random = new Random(1);
        for (var i = 0; i < 20; i++) Assert.True(Of([.. Records.OrderBy(_ => random.Next())]).Equals(End(Records)));
    }

    [Fact]
    public void One_record_more_or_less_or_twice_makes_another_digest()
    {
        Assert.False(Of(Records[1..]).Equals(End(Records)));
        Assert.False(Of([.. Records, Record(key: "another")]).Equals(End(Records)));
        Assert.False(Of([.. Records[1..], Records[1]]).Equals(End(Records)));
        Assert.True(Of([]).Equals(new TransferPiece.End(0, 0)));
    }

    [Fact]
    public void Any_change_of_any_field_makes_another_digest()
    {
        var digests = new List<ulong>
        {
            Of(Record()).Value,
            Of(Record(key: "kez")).Value,
            Of(Record(value: "w")).Value,
            Of(Record(value: "")).Value,
            Of(Record(value: "", tombstone: true)).Value,
            Of(Record(stamp: 8)).Value,
            Of(Record(dot: Dot with { Sequence = 4 })).Value,
            Of(Record(dot: Dot with { Origin = Dot.Origin with { Incarnation = new(9) } })).Value,
            Of(Record(dot: Dot with { Origin = Dot.Origin with { Group = new(9) } })).Value,
            Of(Record(token: "u")).Value,
        };
        Assert.Distinct(digests);
    }

    // One at the end of a field, and at the beginning of the next.
    [Fact]
    public void A_byte_that_moves_from_one_field_to_the_next_makes_another_digest() => Assert.Distinct(
        [Of(Record(key: "ab", token: "c", value: "d")).Value, Of(Record(key: "a", token: "bc", value: "d")).Value, Of(Record(key: "ab", token: "", value: "cd")).Value]);

    private static TransferDigest Of(params WriteRecord[] records)
    {
        var digest = new TransferDigest();
        foreach (var record in records) digest.Add(record);
        return digest;
    }

    private static TransferPiece.End End(params WriteRecord[] records) => new(records.Length, Of(records).Value);

    private static WriteRecord Record(string key = "key", string value = "v", bool tombstone = false, ulong stamp = 7, Dot? dot = null, string token = "t") =>
        new(new Key(key), System.Text.Encoding.UTF8.GetBytes(value), tombstone, new(stamp), dot ?? Dot, System.Text.Encoding.UTF8.GetBytes(token));
}
