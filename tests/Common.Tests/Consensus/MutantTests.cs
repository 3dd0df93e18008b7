using Kv.Common.Consensus;

namespace Kv.Common.Tests.Consensus;

/// <summary>Each rule of the protocol is needed, and the <see cref="Explorer"/> notices when it is broken.</summary>
public sealed class MutantTests(ITestOutputHelper output)
{
    private static readonly Model Healthy = new() { Acceptors = 3, Attempts = [[(1, "a")], [(2, "c")]] };

    [Fact]
    public void Not_when_a_lost_disk_comes_back_under_the_old_incarnation() => IsCaught(Healthy with { LostDisks = 1, LostKeepIdentity = true });

    // Each reply counts for two.
    [Fact]
    public void Not_when_the_quorum_is_one_too_small() => IsCaught(Healthy with
    {
        On = (attempt, reply) =>
        {
            var next = attempt.On(reply);
            return next == attempt || next.Phase != attempt.Phase ? next : next.On(reply with { From = next.Missing[0] });
        },
    });

    [Fact]
    public void Not_when_a_reply_leaves_before_the_state_is_durable() => IsCaught(Healthy with { RepliesEarly = true });

    [Fact]
    public void Not_when_phase_2_ignores_what_was_accepted() => IsCaught(Healthy with
    {
        On = (attempt, reply) => attempt.On(reply is Promise<Document> promise ? promise with { AcceptedAt = Ballot.None, Accepted = null } : reply),
    });

    [Fact]
    public void Not_when_phase_2_takes_any_accepted_value_instead_of_the_highest() => IsCaught(Healthy with
    {
        Attempts = [[(1, "a"), (3, "b")], [(2, "c")]],
        // Every value found counts as found at one ballot: the first one stays.
        On = (attempt, reply) => attempt.On(reply is Promise<Document> { Accepted: not null } promise ? promise with { AcceptedAt = new(1, default) } : reply),
    });

    [Fact]
    public void Not_when_a_ballot_is_used_again_after_a_restart() => IsCaught(Healthy with { Attempts = [[(1, "a"), (1, "b")], [(2, "c")]] });

    [Fact]
    public void Not_when_a_promise_is_not_kept() => IsCaught(Healthy with
    {
        Accept = (state, parent, ballot, value) => AcceptorCore.Accept(state with { Promised = Ballot.None }, parent, ballot, value),
    });

    [Fact]
    public void Not_when_a_node_votes_in_the_seal_before_it_is_established() => IsCaught(Healthy with
    {
        IsSeal = true,
        LostDisks = 1,
        Prepare = (state, parent, ballot) => AcceptorCore.Prepare(state.Establish(), parent, ballot),
        Accept = (state, parent, ballot, value) => AcceptorCore.Accept(state.Establish(), parent, ballot, value),
    });

    private void IsCaught(Model mutant)
    {
        var (states, violation) = Explorer.Explore(mutant);
        output.WriteLine($"after {states} states: {violation}");
        Assert.NotNull(violation);
    }
}
