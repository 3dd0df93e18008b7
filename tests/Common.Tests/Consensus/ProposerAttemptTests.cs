using Kv.Common.Consensus;

namespace Kv.Common.Tests.Consensus;

public sealed class ProposerAttemptTests
{
    private static readonly Document Parent = Document.Parent(3);
    private static readonly Document Mine = Parent.Next("mine");
    private static readonly Document Found = Parent.Next("found");
    private static readonly Document Older = Parent.Next("older");
    private static readonly Ballot Now = At(5);
    private static readonly ProposerAttempt<Document> Started = ProposerAttempt.Start(Parent, Now, Mine);
    private static readonly ProposerAttempt<Document> Accepting = Started.On(Promise(0)).On(Promise(1));

    private static readonly Gen<AcceptorReply<Document>> AnyReply = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 9], Gen.ULong[4, 6], Reply);

    private static Ballot At(ulong round) => new(round, new(9));

    private static AcceptorReply<Document> Reply(int slot, int kind, ulong round) => kind switch
    {
        0 or 1 or 2 => Promise(slot) with { Ballot = At(round) },
        3 => Promise(slot, At(2), Found) with { Ballot = At(round) },
        4 or 5 or 6 => Vote(slot, Mine) with { Ballot = At(round) },
        7 => Vote(slot, Found) with { Ballot = At(round) },
        8 => new Outbid<Document>(Document.Node(slot), At(round), At(7)),
        _ => new NotAnAcceptor<Document>(Document.Node(slot), At(round)),
    };

    private static Promise<Document> Promise(int slot) => Promise(slot, Ballot.None, null);

    private static Promise<Document> Promise(int slot, Ballot at, Document? accepted) => new(Document.Node(slot), Now, at, accepted);

    private static Vote<Document> Vote(int slot, Document value) => new(Document.Node(slot), Now, value.Digest);

    [Fact]
    public void A_majority_of_promises_and_then_of_votes_chooses_the_value()
    {
        Assert.Equal(AttemptPhase.Preparing, Started.On(Promise(0)).Phase);
        Assert.Equal(AttemptPhase.Accepting, Accepting.Phase);
        Assert.Equal(AttemptPhase.Accepting, Accepting.On(Vote(0, Mine)).Phase);
        var chosen = Accepting.On(Vote(0, Mine)).On(Vote(2, Mine));
        Assert.Equal((AttemptPhase.Chosen, Mine), (chosen.Phase, chosen.Value));
    }

    [Fact]
    public void Phase_2_carries_the_value_of_the_highest_ballot_found()
    {
        Assert.Same(Found, Started.On(Promise(0, At(1), Older)).On(Promise(1, At(3), Found)).Value);
        Assert.Same(Found, Started.On(Promise(1, At(3), Found)).On(Promise(0, At(1), Older)).Value);
        Assert.Same(Found, Started.On(Promise(0)).On(Promise(1, At(3), Found)).Value);
    }

    [Fact]
    public void No_acceptor_counts_twice() =>
        Assert.Equal(AttemptPhase.Accepting, Started.On(Promise(0)).On(Promise(0)).On(Promise(1)).On(Vote(2, Mine)).On(Vote(2, Mine)).Phase);

    [Fact]
    public void Only_the_parents_acceptors_count()
    {
        Assert.Same(Started, Started.On(Promise(3, At(3), Found)));
        Assert.Same(Started, Started.On(Promise(0) with { From = Document.Node(0, generation: 1) }));
        Assert.Same(Accepting, Accepting.On(Vote(3, Mine)));
    }

    [Fact]
    public void An_address_of_the_provisional_topology_counts_once_whoever_answers_there()
    {
        var view = Document.Provisional(3);
        var attempt = ProposerAttempt.Start(view, Now, view.Next("seal")).On(Promise(0));
        Assert.Same(attempt, attempt.On(Promise(0) with { From = Document.Node(0, generation: 1) }));
        Assert.Equal(AttemptPhase.Accepting, attempt.On(Promise(1)).Phase);
    }

    [Fact]
    public void Replies_of_another_phase_ballot_or_value_change_nothing()
    {
        Assert.Same(Started, Started.On(Promise(0) with { Ballot = At(4) }));
        Assert.Same(Started, Started.On(Vote(0, Mine)));
        Assert.Same(Accepting, Accepting.On(Promise(2, At(3), Found)));
        Assert.Same(Accepting, Accepting.On(Vote(0, Found)));
        Assert.Same(Accepting, Accepting.On(new NotEstablished<Document>(Document.Node(0), Now)));
    }

    [Fact]
    public void A_higher_ballot_rejects_the_attempt_and_is_remembered()
    {
        foreach (var attempt in new[] { Started, Accepting })
        {
            var rejected = attempt.On(new Outbid<Document>(Document.Node(2), Now, At(8)));
            Assert.Equal((AttemptPhase.Rejected, At(8)), (rejected.Phase, rejected.HighestSeen));
            Assert.Same(rejected, rejected.On(Promise(1)));
        }
    }

    [Fact]
    public void A_newer_value_ends_the_attempt_and_an_older_one_does_not()
    {
        var behind = Accepting.On(new ProposerBehind<Document>(Document.Node(2), Now, Found));
        Assert.Equal((AttemptPhase.Behind, Found), (behind.Phase, behind.Newer));
        Assert.Same(Accepting, Accepting.On(new ProposerBehind<Document>(Document.Node(2), Now, Parent)));
    }

    [Fact]
    public void A_conflict_ends_the_attempt_with_both_digests()
    {
        var conflict = new Conflict(Parent.Epoch, 1, Parent.Digest);
        var ended = Started.On(new Conflicting<Document>(Document.Node(2), Now, conflict));
        Assert.Equal((AttemptPhase.Conflicting, conflict), (ended.Phase, ended.Conflict));
    }

    [Fact]
    public void A_reader_finishes_what_it_finds_and_otherwise_finds_nothing_pending()
    {
        var reader = ProposerAttempt.Start(Parent, Now, null);
        Assert.Equal(AttemptPhase.NothingPending, reader.On(Promise(0)).On(Promise(1)).Phase);
        var finishing = reader.On(Promise(0)).On(Promise(1, At(3), Found));
        Assert.Equal((AttemptPhase.Accepting, Found), (finishing.Phase, finishing.Value));
        Assert.Equal(AttemptPhase.Chosen, finishing.On(Vote(0, Found)).On(Vote(1, Found)).Phase);
    }

    [Fact]
    public void Who_has_not_answered_is_named()
    {
        Assert.Equal(Document.Nodes(0, 1, 2), Started.Missing);
        Assert.Equal(Document.Nodes(0, 2), Started.On(Promise(1)).Missing);
        Assert.Equal(Document.Nodes(0, 1, 2), Accepting.Missing);
        Assert.Equal(Document.Nodes(0, 1), Accepting.On(Vote(2, Mine)).Missing);
    }

    [Fact]
    public void A_reply_that_had_its_effect_has_none_again() => Gen.Select(AnyReply, Gen.Int[0, 100]).Array[0, 20].Sample(steps =>
    {
        var attempt = Started;
        var consumed = new List<AcceptorReply<Document>>();
        foreach (var (reply, pick) in steps)
        {
            var next = attempt.On(reply);
            if (reply.Ballot != Now) Assert.Same(attempt, next);
            if (!ReferenceEquals(next, attempt)) consumed.Add(reply);
            attempt = next;
            if (consumed.Count > 0) Assert.Same(attempt, attempt.On(consumed[pick % consumed.Count]));
        }
    });

    [Fact]
    public void The_order_of_replies_within_a_phase_does_not_matter() => Gen.Shuffle(new[] { 0, 1, 2 }).Sample(
        order =>
        {
            var five = Document.Parent(5);
            var (old, young) = (five.Next("old"), five.Next("young"));
            Promise<Document>[] promises = [Promise(0), Promise(1, At(1), old), Promise(2, At(3), young)];
            var attempt = order.Aggregate(ProposerAttempt.Start(five, Now, five.Next("own")), (before, which) => before.On(promises[which]));
            Assert.Equal((AttemptPhase.Accepting, young), (attempt.Phase, attempt.Value));
        },
        iter: 30);
}
