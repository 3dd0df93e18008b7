using Kv.Common.Consensus;

namespace Kv.Common.Tests.Consensus;

public sealed class AcceptorCoreTests
{
    private static readonly Document Parent = Document.Parent(3);
    private static readonly Document A = Parent.Next("a");
    private static readonly Document B = Parent.Next("b");
    private static readonly AcceptorState<Document> Fresh = new(Document.Node(0), Parent);

    private static Ballot At(ulong round) => new(round, new(9));

    [Fact]
    public void A_promise_tells_the_last_vote()
    {
        var (state, first) = AcceptorCore.Prepare(Fresh, Parent, At(1));
        Assert.Equal(new Promise<Document>(Fresh.Self, At(1), Ballot.None, null), first);
        (state, var vote) = AcceptorCore.Accept(state, Parent, At(1), A);
        Assert.Equal(new Vote<Document>(Fresh.Self, At(1), A.Digest), vote);
        (state, var second) = AcceptorCore.Prepare(state, Parent, At(2));
        Assert.Equal(new Promise<Document>(Fresh.Self, At(2), At(1), A), second);
        Assert.Equal(new(Fresh.Self, Parent, At(2), At(1), A, false), state);
    }

    [Fact]
    public void Nothing_below_the_promise_is_promised_or_voted_for()
    {
        var (state, _) = AcceptorCore.Prepare(Fresh, Parent, At(2));
        Assert.Equal((state, new Outbid<Document>(Fresh.Self, At(1), At(2))), AcceptorCore.Prepare(state, Parent, At(1)));
        Assert.Equal((state, new Outbid<Document>(Fresh.Self, At(1), At(2))), AcceptorCore.Accept(state, Parent, At(1), A));
    }

    [Fact]
    public void A_vote_is_also_a_promise()
    {
        var (state, _) = AcceptorCore.Accept(Fresh, Parent, At(2), A);
        Assert.IsType<Outbid<Document>>(AcceptorCore.Accept(state, Parent, At(1), B).Reply);
    }

    [Fact]
    public void A_repeated_request_changes_nothing_and_is_answered_alike() => Gen.Select(Gen.ULong[1, 4], Gen.Bool).Array[1, 8].Sample(requests =>
    {
        var state = Fresh;
        foreach (var (round, votes) in requests)
        {
            var value = round % 2 == 0 ? A : B;
            var once = votes ? AcceptorCore.Accept(state, Parent, At(round), value) : AcceptorCore.Prepare(state, Parent, At(round));
            var twice = votes ? AcceptorCore.Accept(once.State, Parent, At(round), value) : AcceptorCore.Prepare(once.State, Parent, At(round));
            Assert.Equal(once, twice);
            Assert.True(once.State.Promised >= state.Promised && once.State.AcceptedAt >= state.AcceptedAt);
            state = once.State;
        }
    });

    [Fact]
    public void An_acceptor_that_is_behind_learns_the_parent_and_serves_the_request()
    {
        var (voted, _) = AcceptorCore.Accept(Fresh, Parent, At(7), A);
        var (state, reply) = AcceptorCore.Prepare(voted, B, At(1));
        Assert.Equal(new Promise<Document>(Fresh.Self, At(1), Ballot.None, null), reply);
        Assert.Equal(new AcceptorState<Document>(Fresh.Self, B) with { Promised = At(1) }, state);
    }

    [Fact]
    public void A_proposer_that_is_behind_gets_the_newest_value()
    {
        var state = Fresh.Learn(A);
        Assert.Equal((state, new ProposerBehind<Document>(Fresh.Self, At(1), A)), AcceptorCore.Prepare(state, Parent, At(1)));
        Assert.Equal((state, new ProposerBehind<Document>(Fresh.Self, At(1), A)), AcceptorCore.Accept(state, Parent, At(1), B));
    }

    [Fact]
    public void Only_the_incarnation_that_the_parent_names_is_asked()
    {
        foreach (var stranger in new[] { Document.Node(3), Document.Node(0, generation: 1) })
        {
            var state = new AcceptorState<Document>(stranger, Parent);
            Assert.Equal((state, new NotAnAcceptor<Document>(stranger, At(1))), AcceptorCore.Prepare(state, Parent, At(1)));
            Assert.Equal((state, new NotAnAcceptor<Document>(stranger, At(1))), AcceptorCore.Accept(state, Parent, At(1), A));
        }
    }

    [Fact]
    public void Who_is_no_acceptor_still_learns_the_parent()
    {
        var (state, reply) = AcceptorCore.Prepare(Fresh, Parent.Next("without", Document.Node(1)), At(1));
        Assert.IsType<NotAnAcceptor<Document>>(reply);
        Assert.Equal(Parent.Epoch.Next, state.Chosen.Epoch);
    }

    [Fact]
    public void Whoever_is_established_votes_in_the_seal_and_nobody_else()
    {
        var view = Document.Provisional(3);
        var state = new AcceptorState<Document>(Document.Node(0), view);
        Assert.Equal((state, new NotEstablished<Document>(state.Self, At(1))), AcceptorCore.Prepare(state, view, At(1)));
        Assert.Equal((state, new NotEstablished<Document>(state.Self, At(1))), AcceptorCore.Accept(state, view, At(1), view.Next("seal")));
        Assert.IsType<Promise<Document>>(AcceptorCore.Prepare(state.Establish(), view, At(1)).Reply);
        Assert.IsType<Vote<Document>>(AcceptorCore.Accept(state.Establish(), view, At(1), view.Next("seal")).Reply);
    }

    [Fact]
    public void Another_history_is_an_error_that_names_both_digests()
    {
        var foreign = new Document(5, "foreign", 0, Document.Nodes(0, 1, 2));
        foreach (var (known, other, epoch, ours, theirs) in new[]
        {
            (Parent, foreign, 5UL, Parent.Digest, foreign.Digest),
            (Parent, foreign.Next("after"), 5UL, Parent.Digest, foreign.Digest),
            (A, foreign, 5UL, Parent.Digest, foreign.Digest),
        })
        {
            var state = Fresh.Learn(known);
            var conflict = new Conflict(new(epoch), ours, theirs);
            Assert.Equal((state, new Conflicting<Document>(Fresh.Self, At(1), conflict)), AcceptorCore.Prepare(state, other, At(1)));
            Assert.Contains($"{ours:x16}", conflict.ToString(), StringComparison.Ordinal);
            Assert.Contains($"{theirs:x16}", conflict.ToString(), StringComparison.Ordinal);
            Assert.Equal(conflict.ToString(), Assert.Throws<InvalidOperationException>(() => state.Learn(other)).Message);
        }
    }

    [Fact]
    public void Older_values_teach_nothing() => Assert.Same(Fresh, Fresh.Learn(new Document(3, "older", 0, Document.Nodes(0))));

    [Fact]
    public void A_ballot_used_for_two_values_is_an_error()
    {
        var (state, _) = AcceptorCore.Accept(Fresh, Parent, At(1), A);
        var error = Assert.Throws<InvalidOperationException>(() => AcceptorCore.Accept(state, Parent, At(1), B));
        Assert.Contains($"{B.Digest:x16}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_cannot_follow_its_parent_is_refused()
    {
        foreach (var impossible in new[]
        {
            new Document(7, "epoch left out", Parent.Digest, Document.Nodes(0)),
            new Document(6, "other parent", 1, Document.Nodes(0)),
            new Document(6, "nobody", Parent.Digest),
            new Document(6, "too many", Parent.Digest, Document.Nodes(Enumerable.Range(0, 8))),
            new Document(6, "without incarnation", Parent.Digest, new Acceptor(Document.Address(0), default)),
            new Document(6, "one address twice", Parent.Digest, Document.Node(0), Document.Node(0, generation: 1)),
        })
        {
            Assert.Throws<ArgumentException>(() => AcceptorCore.Accept(Fresh, Parent, At(1), impossible));
            Assert.Throws<ArgumentException>(() => ProposerAttempt.Start(Parent, At(1), impossible));
        }
    }

    [Fact]
    public void Nobody_asks_without_a_ballot_or_votes_without_an_incarnation()
    {
        Assert.Throws<ArgumentException>(() => AcceptorCore.Prepare(Fresh, Parent, Ballot.None));
        Assert.Throws<ArgumentException>(() => new AcceptorState<Document>(new(Document.Address(0), default), Parent));
    }
}
