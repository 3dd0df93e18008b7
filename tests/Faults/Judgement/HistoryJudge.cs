using System.Globalization;
using System.Text.RegularExpressions;
using Kv.Faults.Load;
using Kv.Faults.Nemesis;
using Kv.Histories;
using Kv.Histories.Checkers;

namespace Kv.Faults.Judgement;

/// <summary>Judges the history of a round by the checkers of the simulator.</summary>
/// <param name="excuses">False to hold the cluster to more than it promises: also to writes that one replica alone acknowledged, and lost with its disk.</param>
internal sealed partial class HistoryJudge(bool excuses)
{
    private const int MostOfOneChecker = 3;
    private const int MostEvidence = 60;

    // Not DurableReadChecker: here a read itself says that a disk has what it returned; whether it stays is judged below.
    private static readonly IReadOnlyList<IHistoryChecker> Checkers = [.. AllCheckers.OfHistories.Where(checker => checker is not DurableReadChecker)];

    /// <summary>Acknowledged writes that were given up with the only disk that had them.</summary>
    public int Excused { get; private set; }

    public IReadOnlyList<Violation> Judge(RoundHistory round, IReadOnlyList<LostDisk> lostDisks)
    {
        var history = round.Finished;
        Complete(history);
        var lastLoss = excuses && lostDisks.Count > 0 ? lostDisks.Max(lost => lost.At) : long.MinValue;
        foreach (var write in history.Operations.Where(operation => operation.IsWrite && operation.Replicas < 2 && operation.InvokedAt <= lastLoss))
        {
            write.IsExcusablyLost = true;
            if (write.Status is OperationStatus.Acknowledged) Excused++;
        }

        return
        [
            .. Checkers.SelectMany(checker => checker.Check(history).Take(MostOfOneChecker).Select(what => new Violation(checker.Promise, what))),
            .. LostReads(history).Take(MostOfOneChecker),
        ];
    }

    /// <summary>Everything that was done to the keys that a violation names.</summary>
    public static string Evidence(ClientHistory history, Violation violation)
    {
        var keys = KeyNames().Matches(violation.What).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToHashSet();
        return string.Join('\n', history.Operations.Where(operation => keys.Contains(operation.Key)).TakeLast(MostEvidence));
    }

    // Which deletion an absent key stands for cannot be told when one was not answered: that one may be the greatest.
    private static void Complete(ClientHistory history)
    {
        foreach (var deletion in history.Operations.Where(operation => operation.Kind is OperationKind.Delete && operation.Status is OperationStatus.Unknown))
            deletion.Rank = new(ulong.MaxValue, 0);

        // Where no record is left at all, the last acknowledged deletion may have been forgotten, as it may be once everybody had it.
        if (history.Final is not { } final) return;
        var forgotten = history.Operations.Where(operation => operation is { Kind: OperationKind.Delete, Status: OperationStatus.Acknowledged } && !final.ContainsKey(operation.Key)).GroupBy(operation => operation.Key);
        history.Final = final.Concat(forgotten.Select(of => KeyValuePair.Create(of.Key, of.Max(operation => operation.Rank!.Value)))).ToDictionary();
    }

    private static IEnumerable<Violation> LostReads(ClientHistory history) =>
        from read in history.Operations
        where history.Final is not null && read.Kind is OperationKind.Read && read.ReadFrom >= 0
        let write = history[read.ReadFrom]
        where !write.IsExcusablyLost && write.Rank is { } rank && (!history.Final!.TryGetValue(write.Key, out var left) || left < rank)
        select new Violation("What is read is durable", $"{read} returned {write}, which is gone at the end");

    [GeneratedRegex(@"\bk(\d+)\b")]
    private static partial Regex KeyNames();
}
