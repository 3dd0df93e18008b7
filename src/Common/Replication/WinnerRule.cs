namespace Kv.Common.Replication;

/// <summary>
/// Which of two writes of a key is its value: the greater stamp, then the greater incarnation. A total order without ties between different writes,
/// because one incarnation never gives a stamp twice; taking the winner is therefore a join, and replicas converge whatever the order of delivery.
/// </summary>
public static class WinnerRule
{
    /// <summary>True when <paramref name="candidate"/> replaces <paramref name="incumbent"/>.</summary>
    public static bool Wins(WriteRecord candidate, WriteRecord? incumbent)
    {
        if (incumbent is null) return true;
        var byStamp = candidate.Stamp.CompareTo(incumbent.Stamp);
        return byStamp != 0 ? byStamp > 0 : candidate.Dot.Origin.CompareTo(incumbent.Dot.Origin) > 0;
    }
}
