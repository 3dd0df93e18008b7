using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Tests.Consensus;

public sealed class EstablishmentTests
{
    private static NodeAddress[] View(int members) => [.. Enumerable.Range(0, members).Select(Document.Address)];

    [Fact]
    public void The_first_incarnation_at_an_address_stays_the_first()
    {
        var (state, reply) = FirstSeen.Nobody.Hello(Document.Address(1), new(1));
        Assert.Equal(new HelloReply.Recorded(), reply);
        Assert.Equal((state, new HelloReply.Recorded()), state.Hello(Document.Address(1), new(1)));
        Assert.Equal((state, new HelloReply.Taken(new(1))), state.Hello(Document.Address(1), new(2)));
        Assert.Equal(new HelloReply.Recorded(), state.Hello(Document.Address(2), new(2)).Reply);
        Assert.Equal((state.ByAddress.Count, new HelloReply.Taken(new(1))), (1, FirstSeen.Of(state.ByAddress).Hello(Document.Address(1), new(2)).Reply));
    }

    [Fact]
    public void Nobody_is_recorded_without_an_incarnation()
    {
        Assert.Throws<ArgumentException>(() => FirstSeen.Nobody.Hello(Document.Address(1), default));
        Assert.Throws<ArgumentException>(() => FirstSeen.Of([new(Document.Address(1), default)]));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(5, 3)]
    [InlineData(6, 3)]
    [InlineData(64, 32)]
    public void More_than_half_of_the_others_establish_a_node(int members, int needed)
    {
        var establishment = new Establishment(View(members), Document.Address(0));
        for (var recorded = 0; recorded < members; recorded++)
        {
            Assert.Equal(recorded >= needed, establishment.IsEstablished);
            Assert.Equal(View(members).Skip(recorded + 1), establishment.Missing);
            establishment = establishment.RecordedBy(Document.Address(recorded + 1));
        }
    }

    [Fact]
    public void The_node_itself_strangers_and_repetitions_do_not_count()
    {
        var establishment = new Establishment(View(3), Document.Address(0));
        foreach (var slot in new[] { 0, 1, 1, 5 }) establishment = establishment.RecordedBy(Document.Address(slot));
        Assert.False(establishment.IsEstablished);
        Assert.Equal([Document.Address(2)], establishment.Missing);
    }

    [Fact]
    public void Only_members_of_the_view_are_established()
    {
        Assert.Throws<ArgumentException>(() => new Establishment(View(3), Document.Address(3)));
        Assert.Throws<ArgumentException>(() => new Establishment([.. View(3), Document.Address(1)], Document.Address(0)));
    }

    // Each other member hears the hellos of both incarnations in some order, and one of them (for an odd view) may lose its disk in between.
    [Fact]
    public void No_two_incarnations_of_an_address_are_both_established() =>
        Gen.Select(Gen.Int[2, 9], Gen.Bool.Array[9], Gen.Bool.Array[9], Gen.Bool.Array[9], Gen.Int[1, 8]).Sample((members, oldHere, newHere, oldFirst, lost) =>
        {
            var lostDisk = members % 2 == 1 ? lost : 0;
            var (before, after) = (new Establishment(View(members), Document.Address(0)), new Establishment(View(members), Document.Address(0)));
            for (var slot = 1; slot < members; slot++)
            {
                var seen = FirstSeen.Nobody;
                foreach (var generation in oldFirst[slot] ? new[] { 0, 1 } : [1, 0])
                {
                    if (!(generation == 0 ? oldHere : newHere)[slot]) continue;
                    (seen, var reply) = seen.Hello(Document.Address(0), Document.Node(0, generation).Incarnation);
                    if (slot == lostDisk) seen = FirstSeen.Nobody;
                    if (reply is not HelloReply.Recorded) continue;
                    if (generation == 0) before = before.RecordedBy(Document.Address(slot));
                    else after = after.RecordedBy(Document.Address(slot));
                }
            }

            Assert.False(before.IsEstablished && after.IsEstablished);
        });
}
