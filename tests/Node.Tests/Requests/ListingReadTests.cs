using System.Text;
using Google.Protobuf;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Peers.Wire;
using Kv.Node.Requests;
using W = Kv.Wire;

namespace Kv.Node.Tests.Requests;

/// <summary>How far a replica goes for a page, and which answers to a listing are believed.</summary>
public sealed class ListingReadTests
{
    private static readonly HashRing Ring = HashRing.For(1);
    private static readonly ShardId Shard = new(0);
    private static readonly Listing Everything = new("a"u8.ToArray(), null, null, 1000, 1 << 20, true);
    private static readonly CausalTokenCodec Tokens = new("secret"u8, new(1));

    private readonly List<WriteRecord> _records = [.. Enumerable.Range(1, 20).SelectMany(i => new[] { Record($"a{i}", i), Record($"b{i}", i) }).OrderBy(record => record.Key)];

    [Fact]
    public void It_ends_with_the_last_record_that_may_be_looked_at_whatever_that_is()
    {
        var read = Read(Everything, new() { MaxRecordsRead = 7 });
        Assert.Equal(_records[6].Key, read.Through);
        Assert.Equal(Matching(_records.Take(7)), read.Keys.Select(key => key.Key));
    }

    [Fact]
    public void It_looks_at_one_record_however_large_that_is()
    {
        var read = Read(Everything, new() { MaxBytesRead = 1024 }, [Record("a", 1, new string('x', 5000)), .. _records]);
        Assert.NotNull(read.Through);
        Assert.Single(read.Keys);
    }

    [Fact]
    public void It_ends_before_the_key_that_is_too_much()
    {
        var read = Read(Everything with { MaxKeys = 5 }, new());
        Assert.Equal(5, read.Keys.Count);
        var rest = _records.SkipWhile(record => record.Key.CompareTo(read.Through!.Value) <= 0).ToList();
        Assert.Equal(Matching(_records).Skip(5), Matching(rest));
        Assert.StartsWith("a", rest[0].Key.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_large_value_ends_a_page_and_is_the_next_one_by_itself()
    {
        var records = new[] { Record("a1", 1), Record("a2", 2, new string('x', 3000)), Record("a3", 3) }.OrderBy(record => record.Key).ToList();
        var listed = new List<Key>();
        for (Key? after = null; ;)
        {
            var read = Read(Everything with { After = after, MaxBytes = 1024 }, new(), records.Where(record => after is not { } key || record.Key.CompareTo(key) > 0));
            Assert.True(read.Keys.Count == 1 || read.Keys.Sum(key => key.Size) <= 1024);
            listed.AddRange(read.Keys.Select(key => key.Key));
            if (read.Through is null) break;
            after = read.Through;
        }

        Assert.Equal(Matching(records), listed);
    }

    [Fact]
    public void Nothing_after_the_end_is_read_and_then_nothing_is_left()
    {
        var end = _records[11].Key;
        var read = Read(Everything with { Through = end }, new());
        Assert.Null(read.Through);
        Assert.Equal(Matching(_records.Take(12)), read.Keys.Select(key => key.Key));
    }

    [Fact]
    public void What_another_shard_owns_is_passed_over()
    {
        var ring = HashRing.For(2);
        var both = Enumerable.Range(0, 2).SelectMany(shard => ListingRead.Of(_records, Everything, ring, new(shard), new()).Keys.Select(key => key.Key)).ToList();
        Assert.Equal(Matching(_records), both.Order());
    }

    [Fact]
    public void A_deletion_is_not_listed_and_is_part_of_what_was_read()
    {
        var deleted = Record("a0", 9, null);
        var read = Read(Everything, new(), [deleted]);
        Assert.Empty(read.Keys);
        Assert.True(read.Past.Dependencies.Covers(deleted.Dot));
    }

    [Fact]
    public void An_answer_that_leads_back_or_past_keys_is_no_answer()
    {
        var keys = Matching(_records).Select(key => new ListedKey(key, "1"u8.ToArray(), default)).ToList();
        var wanted = Everything with { After = keys[2].Key, Through = keys[10].Key };
        Assert.True(wanted.Admits(Listed(keys[3..6], keys[7].Key)));
        Assert.True(wanted.Admits(Listed(keys[3..11], null)));
        Assert.True(wanted.Admits(Listed([], null)));
        Assert.False(wanted.Admits(Listed([], keys[2].Key)));
        Assert.False(wanted.Admits(Listed([], keys[11].Key)));
        Assert.False(wanted.Admits(Listed(keys[2..6], keys[7].Key)));
        Assert.False(wanted.Admits(Listed(keys[3..9], keys[7].Key)));
        Assert.False(wanted.Admits(Listed(keys[3..12], null)));
        Assert.False(wanted.Admits(Listed([keys[4], keys[3]], null)));
        Assert.False(wanted.Admits(Listed([keys[4] with { Value = default }], null)));
        Assert.False((wanted with { Prefix = "b"u8.ToArray() }).Admits(Listed(keys[3..6], null)));
    }

    [Fact]
    public void A_listing_comes_as_it_was_sent_and_is_a_get_to_who_knows_of_none()
    {
        var listing = new Listing("pre"u8.ToArray(), new Key("k1"), new Key("k2"), 12, 345, false);
        var request = new ForwardRequest(7, new(3), ForwardedOperation.List, default, default, "token"u8.ToArray(), default, TimeSpan.FromSeconds(1), new(2)) { Listing = listing };
        var wire = W.ForwardRequest.Parser.ParseFrom(request.ToWire().ToByteArray());
        Assert.Equal(W.Operation.Get, wire.Operation);
        Assert.False(wire.Key.IsEmpty);
        var read = wire.ToDomain();
        Assert.Equal(ForwardedOperation.List, read.Operation);
        Assert.Equal(new(2), read.Shard);
        Assert.Equal((listing.After, listing.Through, 12, 345, false), (read.Listing!.After, read.Listing.Through, read.Listing.MaxKeys, read.Listing.MaxBytes, read.Listing.WithValues));
        Assert.Equal("pre"u8, read.Listing.Prefix.Span);
    }

    private static Outcome.Listed Listed(IReadOnlyList<ListedKey> keys, Key? through) => new(keys, through, default, default, default);

    private ListingRead Read(Listing wanted, ListOptions options, IEnumerable<WriteRecord>? records = null) => ListingRead.Of(records ?? _records, wanted, Ring, Shard, options);

    private static IEnumerable<Key> Matching(IEnumerable<WriteRecord> records) => records.Select(record => record.Key).Where(key => key.ToString().StartsWith('a'));

    private static WriteRecord Record(string key, int sequence, string? value = "1")
    {
        var dot = new Dot(new(new(5), new ReplicaGroup(0, Shard)), (ulong)sequence);
        return new(new Key(key), value is null ? default : Encoding.UTF8.GetBytes(value), value is null, HybridTimestamp.At(sequence), dot, Tokens.Seal(new(new(1), HybridTimestamp.At(sequence), VersionVector.Of([dot]))));
    }
}
