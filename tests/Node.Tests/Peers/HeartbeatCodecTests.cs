using CsCheck;
using Google.Protobuf;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Node.Membership;
using Kv.Node.Peers.Wire;
using W = Kv.Wire;

namespace Kv.Node.Tests.Peers;

/// <summary>A beat means what it meant before what it repeats was left out.</summary>
public sealed class HeartbeatCodecTests
{
    private static readonly NodeAddress Anna = NodeAddress.Parse("10.10.0.2:8080");

    // Vectors that grow, lose entries that everybody holds, and begin anew with another incarnation.
    private static readonly Gen<List<Heartbeat>> Beats =
        Gen.Select(Gen.ULong[1, 2], Gen.Select(Gen.ULong[1, 5], Gen.UInt[0, 1], Gen.ULong[1, 4], (incarnation, group, sequence) => new Dot(new(new(incarnation), new(group)), sequence)).List[0, 6])
            .Select((incarnation, dots) => Beat(incarnation, VersionVector.Of(dots)))
            .List[1, 12];

    [Fact]
    public void Both_sides_of_a_stream_hear_what_the_other_says_whatever_it_said_before() =>
        Gen.Select(Beats, Beats, Gen.Bool.List[24]).Sample((ofDialler, ofDialled, turns) =>
        {
            var (dialler, dialled) = (new HeartbeatCodec(), new HeartbeatCodec());
            var (sent, answered) = (0, 0);
            foreach (var turn in turns)
            {
                if (turn && sent < ofDialler.Count) Passes(dialler, dialled, ofDialler[sent++]);
                if (!turn && answered < ofDialled.Count) Passes(dialled, dialler, ofDialled[answered++]);
            }
        });

    [Fact]
    public void Only_a_peer_that_says_it_understands_is_sent_less_than_all()
    {
        var codec = new HeartbeatCodec();
        var vector = VersionVector.Of(Enumerable.Range(1, 50).Select(i => new Dot(new(new((ulong)i), new(0)), 7)));
        var whole = codec.ToWire(Beat(1, vector));
        Assert.Equal(50, codec.ToWire(Beat(1, vector)).Vector.Entries.Count);

        codec.ToDomain(new HeartbeatCodec().ToWire(Beat(2, VersionVector.Empty)));
        var less = codec.ToWire(Beat(1, vector.With(new(new(new(50), new(0)), 8))));
        Assert.Equal((true, null, 1), (less.VectorChanges, less.Sender, less.Vector.Entries.Count));
        Assert.InRange(less.CalculateSize(), 1, whole.CalculateSize() / 9);
    }

    [Fact]
    public void The_first_beat_must_be_whole()
    {
        var beat = new HeartbeatCodec().ToWire(Beat(1, VersionVector.Empty));
        beat.VectorChanges = true;
        Assert.Throws<WireFormatException>(() => new HeartbeatCodec().ToDomain(beat));
        beat = new HeartbeatCodec().ToWire(Beat(1, VersionVector.Empty));
        beat.Sender = null;
        Assert.Throws<WireFormatException>(() => new HeartbeatCodec().ToDomain(beat));
    }

    [Fact]
    public void Of_another_sender_changes_are_refused()
    {
        var codec = new HeartbeatCodec();
        codec.ToDomain(new HeartbeatCodec().ToWire(Beat(1, VersionVector.Empty)));
        var beat = new HeartbeatCodec().ToWire(Beat(2, VersionVector.Empty));
        beat.VectorChanges = true;
        Assert.Throws<WireFormatException>(() => codec.ToDomain(beat));
    }

    private static void Passes(HeartbeatCodec from, HeartbeatCodec to, Heartbeat beat) =>
        Assert.Equal(beat, to.ToDomain(W.Heartbeat.Parser.ParseFrom(from.ToWire(beat).ToByteArray())));

    private static Heartbeat Beat(ulong incarnation, VersionVector vector) =>
        new(new(0xfeed), Anna, new(incarnation), new(3), 5, vector, new ReplicaGroup(0), null, false, 4, 1_800_000_000_000, true, true)
        {
            Replica = new(new(3), 6, 7, new(8), 9),
            RequestsPerSecond = 10,
            Departure = DepartureStage.Leaving,
        };
}
