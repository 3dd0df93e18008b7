using Kv.Faults;
using Kv.Faults.Judgement;
using Kv.Faults.Load;
using Kv.Faults.Nemesis;
using Kv.Histories;

namespace Kv.Cluster.Tests.Faults;

/// <summary>What a round's history is judged for beyond what the simulator's checkers are tested for; histories written by hand, that no cluster made.</summary>
public sealed class HistoryJudgeTests
{
    private const int X = 0;

    private readonly RoundHistory _round = new(seed: 1, round: 1, keys: 1, new SuiteClock());
    private ulong _stamp;

    [Fact]
    public void An_acknowledged_write_that_is_gone_at_the_end_is_lost()
    {
        Put(replicas: 2);
        Ends(null);
        Assert.Contains(Judge(excuses: true, []), violation => violation.Promise == "No acknowledged write is lost");
    }

    [Fact]
    public void A_write_of_one_replica_is_excused_by_a_disk_that_was_lost_later_and_by_nothing_else()
    {
        var put = Put(replicas: 1);
        Ends(null);
        var lostLater = new LostDisk(null!, "", put.InvokedAt + 1);
        Assert.Empty(Judge(excuses: true, [lostLater]));
        put.IsExcusablyLost = false;
        Assert.NotEmpty(Judge(excuses: true, [lostLater with { At = put.InvokedAt - 1 }]));
        Assert.NotEmpty(Judge(excuses: true, []));
        Assert.NotEmpty(Judge(excuses: false, [lostLater]));
    }

    [Fact]
    public void What_somebody_read_is_there_at_the_end_even_if_its_write_was_never_answered()
    {
        var put = Begin(OperationKind.Put);
        put.Rank = new(++_stamp, 0);
        Read(put.Id);
        Ends(null);
        Assert.Contains(Judge(excuses: true, []), violation => violation.Promise == "What is read is durable");
    }

    [Fact]
    public void A_deletion_that_was_not_answered_explains_why_a_key_is_absent_and_without_one_a_read_has_lost_it()
    {
        var put = Put(replicas: 2);
        var deletion = Begin(OperationKind.Delete);
        Read(Operation.None, after: put.Id);
        Ends(new(++_stamp, 0));
        Assert.Empty(Judge(excuses: true, []));

        deletion.Status = OperationStatus.Refused;
        deletion.Rank = null;
        Assert.Contains(Judge(excuses: true, []), violation => violation.Promise == "Read your writes");
    }

    private Operation Begin(OperationKind kind, int after = Operation.None) => _round.Begin(client: 1, kind, X, after);

    private Operation Put(int replicas)
    {
        var put = Begin(OperationKind.Put);
        (put.Status, put.Replicas, put.Rank, put.ReturnedAt) = (OperationStatus.Acknowledged, replicas, new(++_stamp, 0), put.InvokedAt + 1);
        return put;
    }

    private void Read(int from, int after = Operation.None)
    {
        var read = Begin(OperationKind.Read, after);
        (read.Status, read.ReadFrom, read.ReturnedAt) = (OperationStatus.Acknowledged, from, read.InvokedAt + 1);
    }

    private void Ends(Rank? rank) => _round.Finished.Final = rank is { } left ? new Dictionary<int, Rank> { [X] = left } : [];

    private IReadOnlyList<Violation> Judge(bool excuses, IReadOnlyList<LostDisk> lostDisks) => new HistoryJudge(excuses).Judge(_round, lostDisks);
}
