using System.Diagnostics.CodeAnalysis;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Common.Changes;

/// <summary>
/// Makes one causal order of what the shards' replicas tell, round by round: in each round every shard is asked once, after the round before has ended. A change goes on when
/// (1) every shard has answered, (2) nothing with a smaller stamp waits, (3) some replica had said that it holds the change before anybody was asked in this round, and (4) what its token
/// names was passed.
/// </summary>
/// <remarks>
/// A token names only what was not yet known to be everywhere when it was made; the rest of what the write depends on, every replica of the shards concerned held by then. By (3) the
/// write was there before the others were asked, so what they told includes that rest, and by (2) it went on before, for a write's stamp exceeds those of all it depends on.
/// With one shard (3) is not needed: its replica applies in causal order.
/// </remarks>
public sealed class ChangeMerge
{
    private readonly Func<ReplicaGroup, ReplicaGroup, bool> _concerns;

    /// <param name="groups">The shards of one layout.</param>
    /// <param name="concerns">Whether what the first group wrote may matter to the second.</param>
    /// <param name="passed">Where to begin: what it covers does not come.</param>
    public ChangeMerge(IEnumerable<ReplicaGroup> groups, Func<ReplicaGroup, ReplicaGroup, bool> concerns, VersionVector passed)
    {
        _concerns = concerns;
        Lanes = [.. groups.Select(group => new ChangeLane(group, passed.OfGroups(writer => concerns(writer, group))))];
        Passed = PassedByAll();
    }

    public IReadOnlyList<ChangeLane> Lanes { get; }

    /// <summary>What every shard concerned has passed: to begin another merge with this, in whatever layout, leaves out nothing.</summary>
    public VersionVector Passed { get; private set; }

    /// <summary>Why <see cref="TryNext"/> was false the last time.</summary>
    public Hindrance Hindrance { get; private set; }

    /// <summary>The dependency that is waited for, while <see cref="Hindrance"/> says so.</summary>
    public Dot? Missing { get; private set; }

    /// <summary>True when every shard has answered in this round, and told all that it has.</summary>
    public bool IsWhole => Lanes.All(lane => lane.HasAnswered && lane.IsWhole);

    /// <summary>True when every shard has answered in this round.</summary>
    public bool HasAnswers => Lanes.All(lane => lane.HasAnswered);

    /// <summary>Those that have not answered in this round.</summary>
    public IEnumerable<ChangeLane> Silent => Lanes.Where(lane => !lane.HasAnswered);

    /// <summary>Before the shards are asked. What is left of the round before is dropped: it will be told again.</summary>
    public void BeginRound()
    {
        foreach (var lane in Lanes)
        {
            lane.ToldBefore = lane.ToldBefore.Join(lane.Cut);
            lane.Waiting.Clear();
            (lane.HasAnswered, lane.IsWhole) = (false, false);
        }
    }

    /// <summary>Takes in what a replica of a shard told when it was asked for what comes after the lane's <see cref="ChangeLane.Passed"/>.</summary>
    public void Take(ChangeLane lane, ChangeNews news)
    {
        // Told by a replica that does not hold all that another one told before: what it lacks comes once more, when it has it.
        if (!news.Cut.Covers(lane.Passed)) Begin(lane, lane.Passed.Meet(news.Cut));
        (lane.Cut, lane.HasAnswered, lane.IsWhole) = (news.Cut, true, news.IsWhole);
        foreach (var passage in news.Passages) lane.Waiting.Enqueue(passage);
    }

    /// <summary>The lane goes on from <paramref name="passed"/>: everything up to there was passed on in another way.</summary>
    public void Begin(ChangeLane lane, VersionVector passed)
    {
        lane.Passed = passed;
        Passed = PassedByAll();
    }

    /// <summary>The next change, and the lane it comes from; false when there is none in this round.</summary>
    /// <param name="epoch">The topology by which the shards were asked.</param>
    /// <param name="isLost">True for a dependency that is not to be waited for any longer.</param>
    public bool TryNext(Epoch epoch, Func<Dot, bool> isLost, [NotNullWhen(true)] out WriteRecord? record, [NotNullWhen(true)] out ChangeLane? lane)
    {
        (record, lane, Missing) = (null, null, null);
        foreach (var each in Lanes) PassGaps(each);
        if (Hinders(epoch, isLost, out var next) is { } hindrance)
        {
            Hindrance = hindrance;
            return false;
        }

        record = next.Waiting.Dequeue().Record!;
        lane = next;
        Pass(next, record.Dot);
        return true;
    }

    /// <summary>True when all that <paramref name="dots"/> cover was passed by every shard that they concern, or is not waited for.</summary>
    public bool HasPassed(VersionVector dots, Func<Dot, bool> isLost) => dots.All(dot => HasPassed(dot) || isLost(dot));

    private Hindrance? Hinders(Epoch epoch, Func<Dot, bool> isLost, out ChangeLane next)
    {
        next = Lanes[0];
        if (Lanes.Any(lane => !lane.HasAnswered)) return Hindrance.Silence;
        if (Lanes.Any(lane => lane.Waiting.Count == 0 && !lane.IsWhole)) return Hindrance.Unread;
        if (Lanes.Where(lane => lane.Waiting.Count > 0).MinBy(Order) is not { } first) return Hindrance.Nothing;
        next = first;
        var record = next.Waiting.Peek().Record!;
        if (Lanes.Count > 1 && !next.ToldBefore.Covers(record.Dot)) return Hindrance.Unread;
        if (record.OpenedToken.Epoch > epoch) return Hindrance.Epoch;
        foreach (var dot in record.OpenedToken.Dependencies)
        {
            if (dot == record.Dot || HasPassed(dot) || isLost(dot)) continue;
            Missing = dot;
            return Hindrance.Dependency;
        }

        return null;
    }

    private static (ulong Stamp, Origin Origin) Order(ChangeLane lane) => lane.Waiting.Peek().Record is { } record ? (record.Stamp.Packed, record.Dot.Origin) : default;

    // Nothing in them is passed on, so they need not wait for their turn.
    private void PassGaps(ChangeLane lane)
    {
        while (lane.Waiting.TryPeek(out var head) && head.Record is null)
        {
            lane.Waiting.Dequeue();
            Pass(lane, head.Through);
        }
    }

    private void Pass(ChangeLane lane, Dot dot)
    {
        lane.Passed = lane.Passed.With(dot);
        var everywhere = Everywhere(dot.Origin);
        if (everywhere > 0) Passed = Passed.With(dot with { Sequence = everywhere });
    }

    private bool HasPassed(Dot dot)
    {
        foreach (var lane in Lanes)
        {
            if (_concerns(dot.Origin.Group, lane.Group) && !lane.Passed.Covers(dot)) return false;
        }

        return true;
    }

    private ulong Everywhere(Origin origin)
    {
        var least = ulong.MaxValue;
        foreach (var lane in Lanes)
        {
            if (_concerns(origin.Group, lane.Group)) least = Math.Min(least, lane.Passed[origin]);
        }

        return least is ulong.MaxValue ? 0 : least;
    }

    private VersionVector PassedByAll() =>
        VersionVector.Of(Lanes.SelectMany(lane => lane.Passed).Select(dot => dot.Origin).Distinct().Select(origin => new Dot(origin, Everywhere(origin))).Where(dot => dot.Sequence > 0));
}
