using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// The ballots of one run of one proposer. A round is a counter (high 32 bits) over the boot number (low 32 bits): within a run the counter only grows, and
/// no two runs of an incarnation have the same boot number, so no ballot is given out twice although no ballot is persisted. The counter is the high half
/// because a proposer must be able to outbid any other: with the boot number there, one that restarted seldom could do so only with a boot number that
/// it had not reached, and might use it again when it had.
/// Not safe for concurrent use.
/// </summary>
/// <param name="bootCounter">Raised by one at each start, and durable before the first ballot is asked for.</param>
/// <param name="proposer">Who proposes; not none.</param>
public sealed class BallotSource(uint bootCounter, Incarnation proposer)
{
    private readonly Incarnation _proposer =
        proposer.IsNone ? throw new ArgumentException("A proposer has an incarnation.", nameof(proposer)) : proposer;

    private uint _counter;

    /// <summary>
    /// A ballot above <paramref name="atLeast"/> and above every one given out before by this run. Throws <see cref="InvalidOperationException"/> when the
    /// counter is used up, as only a corrupt ballot can bring about.
    /// </summary>
    public Ballot Next(Ballot atLeast)
    {
        var reached = Math.Max(_counter, (uint)(atLeast.Round >> 32));
        if (reached == uint.MaxValue) throw new InvalidOperationException($"No ballot of boot {bootCounter} is above {atLeast}.");
        _counter = reached + 1;
        return new(((ulong)_counter << 32) | bootCounter, _proposer);
    }
}
