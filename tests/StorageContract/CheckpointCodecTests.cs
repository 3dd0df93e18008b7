using CsCheck;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Node.Storage;
using Xunit;

namespace Kv.StorageContract;

public sealed class CheckpointCodecTests
{
    private static readonly Gen<ReplicaGroup> Groups = Gen.UInt.Select(value => new ReplicaGroup(value));

    private static readonly Gen<VersionVector> Vectors =
        Gen.Select(Gen.ULong, Groups, Gen.ULong).Array[0, 4].Select(dots => VersionVector.Of(dots.Select(dot => new Dot(new(new(dot.Item1), dot.Item2), dot.Item3))));

    private static readonly Gen<Fill> Fills = Gen.Select(
        Groups, Gen.ULong, Gen.Bool, Gen.UInt, Gen.Select(Groups, Vectors, Gen.Select(Gen.Bool, Vectors), Gen.Bool).Array[0, 3],
        (target, since, complete, attempt, sources) => new Fill(
            target, new(since), complete, attempt, [.. sources.Select(source => new FillSource(source.Item1, source.Item2, source.Item3.Item1 ? source.Item3.Item2 : null, source.Item4))]));

    private static readonly Gen<ReplicaCheckpoint> Checkpoints = Gen.Select(
        Gen.Select(Gen.Bool, Groups), Vectors, Gen.Select(Gen.ULong, Gen.Long, Gen.Bool), Vectors, Gen.Select(Gen.Bool, Fills), Gen.Select(Groups, Vectors, Vectors).Array[0, 3],
        (place, vector, rest, loggedAfter, fill, former) => new ReplicaCheckpoint(place.Item1 ? place.Item2 : null, vector, new(rest.Item1), rest.Item2)
        {
            LoggedAfter = loggedAfter,
            IsComplete = rest.Item3,
            Fill = fill.Item1 ? fill.Item2 : null,
            Former = [.. former.Select(place => new FormerPlace(place.Item1, place.Item2, place.Item3))],
        });

    [Fact]
    public void Any_checkpoint_comes_back_as_it_was_field_by_field() => Checkpoints.Sample(checkpoint =>
    {
        var read = CheckpointCodec.Decode(CheckpointCodec.Encode(checkpoint));
        Assert.Equal(checkpoint.Place, read.Place);
        Assert.Equal(checkpoint.Vector, read.Vector);
        Assert.Equal(checkpoint.Clock, read.Clock);
        Assert.Equal(checkpoint.LiveKeys, read.LiveKeys);
        Assert.Equal(checkpoint.LoggedAfter, read.LoggedAfter);
        Assert.Equal(checkpoint.IsComplete, read.IsComplete);
        Assert.Equal(checkpoint.Former, read.Former.AsEnumerable());
        Assert.Equal(checkpoint.Fill is null, read.Fill is null);
        if (checkpoint.Fill is not { } fill) return;
        Assert.Equal(fill.Sources, read.Fill!.Sources.AsEnumerable());
        Assert.Equal(fill with { Sources = default }, read.Fill with { Sources = default });
    });

    [Fact]
    public void Any_shortened_row_is_refused() => Checkpoints.Sample(
        checkpoint =>
        {
            var row = CheckpointCodec.Encode(checkpoint);
            for (var length = 0; length < row.Length; length++) Assert.Throws<InvalidDataException>(() => CheckpointCodec.Decode(row.AsSpan(0, length)));
        },
        iter: 50);

    [Fact]
    public void A_row_with_anything_appended_is_refused() => Gen.Select(Checkpoints, Gen.Byte.Array[1, 30]).Sample((checkpoint, extra) =>
    {
        Assert.Throws<InvalidDataException>(() => CheckpointCodec.Decode([.. CheckpointCodec.Encode(checkpoint), .. extra]));
    });

    [Fact]
    public void Any_flipped_bit_is_refused_or_makes_it_another_checkpoint() => Checkpoints.Sample(
        checkpoint =>
        {
            var row = CheckpointCodec.Encode(checkpoint);
            for (var bit = 0; bit < row.Length * 8; bit++)
            {
                row[bit / 8] ^= (byte)(1 << (bit % 8));
                if (Read(row) is { } read) Assert.Equal(Convert.ToHexString(row), Convert.ToHexString(CheckpointCodec.Encode(read)));
                row[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        },
        iter: 50);

    [Fact]
    public void Rubbish_is_refused_whatever_lengths_it_claims() => Gen.Byte.Array[0, 200].Sample(noise =>
    {
        byte[] row = [2, .. noise];
        if (Read(row) is { } read) Assert.Equal(row, CheckpointCodec.Encode(read));
    });

    [Fact]
    public void A_row_of_another_format_is_refused_as_such()
    {
        var row = CheckpointCodec.Encode(ReplicaCheckpoint.Empty);
        row[0] = 1;
        Assert.Contains("its format is unknown here", Assert.Throws<InvalidDataException>(() => CheckpointCodec.Decode(row)).Message);
    }

    private static ReplicaCheckpoint? Read(byte[] row)
    {
        try
        {
            return CheckpointCodec.Decode(row);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
