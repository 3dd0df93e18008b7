using Kv.Common.Consensus;

namespace Kv.Common.Tests.Consensus;

public sealed class LearnBarrierTests
{
    // The change hands over from nodes 0, 1, 2 to nodes 3, 4, 5.
    private static readonly Document Parent = Document.Parent(3);
    private static readonly Document Change = Parent.Next("change", Document.Nodes(3, 4, 5));
    private static readonly Ballot First = new(1, new(9));

    [Fact]
    public void A_majority_of_the_new_acceptors_opens_the_barrier()
    {
        var barrier = new LearnBarrier<Document>(Change);
        Assert.False(barrier.IsDone);
        barrier = barrier.Confirm(Document.Node(4));
        Assert.False(barrier.IsDone);
        Assert.Equal(Document.Nodes(3, 5), barrier.Missing);
        Assert.True(barrier.Confirm(Document.Node(5)).IsDone);
    }

    [Fact]
    public void Old_acceptors_strangers_and_repetitions_do_not_open_it()
    {
        var barrier = new LearnBarrier<Document>(Change).Confirm(Document.Node(4)).Confirm(Document.Node(4));
        foreach (var other in new[] { Document.Node(0), Document.Node(1), Document.Node(2), Document.Node(6), Document.Node(3, generation: 1) })
            barrier = barrier.Confirm(other);
        Assert.False(barrier.IsDone);
    }

    // Mutant: the proposer, node 0, acknowledges what it alone knows. The change says that nodes 0, 1 and 2 are out, so they are switched off.
    [Fact]
    public void Without_the_barrier_an_acknowledged_change_can_be_lost()
    {
        var survivors = NewAcceptors([]);
        foreach (var proposer in survivors)
        {
            var latest = Latest(survivors);
            Assert.Same(Parent, latest);
            var attempt = Ask(ProposerAttempt.Start(latest, First, latest.Next("later")), survivors);
            Assert.Equal(AttemptPhase.Preparing, attempt.Phase);
            Assert.Equal(Document.Nodes(0, 1, 2), attempt.Missing);
        }
    }

    [Fact]
    public void With_the_barrier_every_quorum_that_is_left_goes_on_from_the_change()
    {
        int[][] majorities = [[3, 4], [3, 5], [4, 5], [3, 4, 5]];
        foreach (var holders in majorities)
        {
            Assert.True(holders.Aggregate(new LearnBarrier<Document>(Change), (barrier, slot) => barrier.Confirm(Document.Node(slot))).IsDone);
            foreach (var left in majorities)
            {
                AcceptorState<Document>[] survivors = [.. NewAcceptors(holders).Where(state => left.Any(slot => Document.Node(slot) == state.Self))];
                var latest = Latest(survivors);
                Assert.Same(Change, latest);
                Assert.Equal(AttemptPhase.Chosen, Ask(ProposerAttempt.Start(latest, First, latest.Next("later", Document.Nodes(3, 4, 5))), survivors).Phase);
            }
        }
    }

    private static AcceptorState<Document>[] NewAcceptors(int[] holders) =>
        [.. new[] { 3, 4, 5 }.Select(slot => new AcceptorState<Document>(Document.Node(slot), Parent)).Select(
            state => holders.Any(slot => Document.Node(slot) == state.Self) ? state.Learn(Change) : state)];

    // What heartbeats among the survivors lead to: the newest that one of them holds.
    private static Document Latest(AcceptorState<Document>[] survivors) => survivors.Select(state => state.Chosen).MaxBy(value => value.Epoch)!;

    private static ProposerAttempt<Document> Ask(ProposerAttempt<Document> attempt, AcceptorState<Document>[] survivors)
    {
        survivors = [.. survivors];
        foreach (var phase in new[] { AttemptPhase.Preparing, AttemptPhase.Accepting })
        {
            for (var i = 0; i < survivors.Length; i++)
            {
                if (attempt.Phase != phase) continue;
                var (state, reply) = phase == AttemptPhase.Preparing
                    ? AcceptorCore.Prepare(survivors[i], attempt.Parent, attempt.Ballot)
                    : AcceptorCore.Accept(survivors[i], attempt.Parent, attempt.Ballot, attempt.Value!);
                survivors[i] = state;
                attempt = attempt.On(reply);
            }
        }

        return attempt;
    }
}
