using System.Text.RegularExpressions;
using Kv.Simulation.Runs;

namespace Kv.Simulation.Mutants;

/// <summary>Every known way of being wrong, by name.</summary>
internal static partial class AllMutants
{
    private static readonly (Func<Mutant> Make, string What)[] Table =
    [
        (() => new StorageMutants.AcknowledgeBeforeSync(), "a write is acknowledged before it is synced"),
        (() => new StorageMutants.IgnoreDiskErrors(), "a failed write is taken for one that succeeded"),
        (() => new StorageMutants.RefuseAfterWriting(), "a write is refused for want of room after it was made"),
        (() => new StorageMutants.TornBatch(), "after a crash the vector covers a record that is not there"),
        (() => new StorageMutants.ReadBeforeSync(), "readers see a write before it is durable"),
        (() => new StorageMutants.VectorBeforeApply(), "the vector tells of a write that cannot be read yet"),
        (() => new StorageMutants.LastArrivalWins(), "the value of a key is what arrived last"),
        (() => new StorageMutants.WallClockWins(), "conflicts are decided by wall clock milliseconds"),
        (() => new StorageMutants.ForgetTombstones(), "a tombstone is dropped too early"),
        (() => new StorageMutants.CountDrifts(), "keys are counted wrongly after a restart"),
        (() => new StorageMutants.TrimTooEarly(), "the log is trimmed although somebody needs it"),
        (() => new StorageMutants.ServeBeforeComplete(), "a re-created replica serves before it has caught up"),
        (() => new StorageMutants.ReuseIncarnation(), "dots are used again after a lost disk"),
        (() => new StorageMutants.ForgetSequence(), "the last own write is forgotten at a restart, and its dot used again"),
        (() => new RequestMutants.ReadWithoutWaiting(), "a read does not wait for its client's past"),
        (() => new RequestMutants.WriteForgetsPast(), "a write does not depend on its client's past"),
        (() => new RequestMutants.ReadDropsDependencies(), "the token of a read lacks what was read"),
        (() => new RequestMutants.ReadReplacesPast(), "the token of a read lacks what was seen before"),
        (() => new RequestMutants.IgnoreTokenStamp(), "a write's stamp may be less than what its client has seen"),
        (() => new RequestMutants.ForgetOtherShards(), "a token keeps one shard only"),
        (() => new PeerMutants.AcknowledgeOnReceipt(), "a replica acknowledges before it has applied"),
        (() => new PeerMutants.AcknowledgementCountsTwice(), "one acknowledgement counts for every member"),
        (() => new PeerMutants.AcknowledgementOffByOne(), "an acknowledgement counts for one write too many"),
        (() => new PeerMutants.AcknowledgementOfTheDead(), "a new member is taken to hold what others hold"),
        (() => new PeerMutants.DeliverOutOfCausalOrder(), "records are applied out of causal order"),
        (() => new PeerMutants.RecordsLoseDependencies(), "dependencies do not travel with a record"),
        (() => new PeerMutants.LoseBroadcast(), "a broadcast message is lost without anybody noticing"),
        (() => new PeerMutants.NeverFetch(), "what broadcast missed is never fetched"),
        (() => new PeerMutants.FetchOneTooFew(), "a fetch brings one record too few"),
        (() => new PeerMutants.ForwardTwice(), "a forwarded write is applied twice"),
        (() => new PeerMutants.MixUpReplies(), "forwarded requests get each other's replies"),
        (() => new PeerMutants.HeartbeatsOverstate(), "stability is told of what is not held yet"),
        (() => new PeerMutants.HeartbeatsUnderstate(), "tokens are never pruned"),
        (() => new PeerMutants.LivenessByWallClock(), "liveness is judged by the wall clock"),
        (() => new PeerMutants.DetectTooLate(), "a killed node stays in the view too long"),
        (() => new PeerMutants.BeatsQueueBehindData(), "beats queue behind data, and live nodes are accused"),
        (() => new PeerMutants.NeverGiveUpOnSilence(), "a silent connection is never given up"),
        (() => new PeerMutants.WaitTooLong(), "a request waits beyond its deadline"),
        (() => new VoteMutants.LostVoterVotesAgain(), "a node that lost its disk votes as the one that it was"),
        (() => new VoteMutants.QuorumOneTooSmall(), "a vote is counted that nobody gave"),
        (() => new VoteMutants.VoteBeforeSave(), "an acceptor answers before its vote is durable"),
        (() => new VoteMutants.NoLearnBarrier(), "a change is acknowledged before those who decide next hold it"),
        (() => new PlaceMutants.StaleTopology(), "a stale topology is honoured"),
        (() => new PlaceMutants.JoiningServesAtOnce(), "a node that joins serves before it holds everything"),
        (() => new PlaceMutants.JoiningCounts(), "a node that joins counts for write concern"),
        (() => new PlaceMutants.IgnoreRemoval(), "a node that was removed goes on serving"),
        (() => new MigrationMutants.CommitWithoutWaiting(), "a reshard is committed before its nodes are filled"),
        (() => new MigrationMutants.DonorSkipsRange(), "a donor leaves a range out"),
        (() => new MigrationMutants.FirstPageOnly(), "a page of a transfer is taken for everything"),
        (() => new MigrationMutants.TransferLosesTombstones(), "a donor leaves the deleted keys out"),
        (() => new MigrationMutants.CutTooHigh(), "a donor says that it holds more than its scan has"),
        (() => new MigrationMutants.GapsInsteadOfRecords(), "new owners are sent gaps in place of records"),
        (() => new MigrationMutants.DropBeforeCommit(), "old owners drop the moving ranges before the commit"),
        (() => new MigrationMutants.KeepAfterSwitch(), "old owners keep the ranges that moved"),
        (() => new MigrationMutants.CombineJoins(), "after the switch a replica claims what any source held"),
        (() => new MigrationMutants.CountsNotRecomputed(), "keys are not counted anew at the switch"),
        (() => new MigrationMutants.ForgetFormerAtOnce(), "the log of an ended group is forgotten although somebody needs it"),
        (() => new MigrationMutants.ResumedWithOlderScan(), "a transfer goes on with a donor that holds less"),
        (() => new RetentionMutants.TrimBeforeStable(), "the log is trimmed of what is durable here alone"),
        (() => new RetentionMutants.CollectBeforeStable(), "a deletion is forgotten before all members hold it"),
        (() => new RetentionMutants.CollectWhatIsLogged(), "a deletion is forgotten although the log has a write of its key"),
        (() => new RetentionMutants.CollectAtOnceWhenStable(), "a deletion is forgotten while an older write is on its way"),
        (() => new RetentionMutants.CompareTooLittle(), "a comparison overlooks half of what differs"),
        (() => new MigrationMutants.AcknowledgedByOldOwnersOnly(), "a write is acknowledged without the new owners, and not handed over"),
    ];

    // Nothing catches these yet: they can be asked for by name, and are not required to be caught.
    private static readonly (Func<Mutant> Make, string What)[] Passing =
    [
        // The exhaustive check of the register catches it (MutantTests of Common.Tests).
        (() => new VoteMutants.BallotUsedAgain(), "ballots are used again after a restart"),
        (() => new MigrationMutants.FilledWithoutMeasure(), "a fill does not wait for what the members held when they knew of it"),
        (() => new MigrationMutants.LateTransfer(), "what an earlier reshard still brings is taken in"),
        (() => new RetentionMutants.KeepWhatDonorsForgot(), "what the donor of a comparison has forgotten is kept"),
        (() => new PlaceMutants.LeaveWithoutHandingOver(), "a node leaves without handing over"),
        (() => new PlaceMutants.StabilityWithoutJoining(), "stability leaves those out who join"),
        (() => new MigrationMutants.StabilityWithoutFilled(), "stability leaves those out who are being filled"),
        (() => new PlaceMutants.IgnoreNewerEpochs(), "a token of a newer epoch is served by an older one"),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. Table.Select(entry => NameOf(entry.Make()))];

    /// <summary>A mutant of that name, for one run.</summary>
    public static Mutant Make(string name) => Table.Concat(Passing).First(entry => NameOf(entry.Make()) == name).Make();

    public static string Describe(string name) => Table.Concat(Passing).First(entry => NameOf(entry.Make()) == name).What;

    /// <summary>Runs a mutant over the first <paramref name="least"/> of the seeds, and on until one catches it.</summary>
    public static Figures Hunt(string name, IEnumerable<int> seeds, int threads, int least = 1) =>
        SeedRunner.Run(seeds, threads, only: Make(name).Faults, mutant: () => Make(name), stop: figures => figures.Seeds >= least && figures.Failures.Count > 0);

    private static string NameOf(Mutant mutant) => WordStart().Replace(mutant.GetType().Name, "-$0").ToLowerInvariant();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex WordStart();
}
