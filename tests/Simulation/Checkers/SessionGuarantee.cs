using Kv.Simulation.History;

namespace Kv.Simulation.Checkers;

/// <summary>
/// One of the four session guarantees (Terry et al., 1994): along each chain of tokens a floor per key rises, below which no read of the chain may fall.
/// What raises it is what makes the guarantee.
/// </summary>
internal abstract class SessionGuarantee(string promise) : IHistoryChecker
{
    public string Promise => promise;

    public IEnumerable<string> Check(ClientHistory history)
    {
        if (history.InCausalOrder() is not { } order) yield break;
        var ranks = new Ranks(history);
        var floors = new Rank?[history.NextId][];
        var ownWrites = new Rank?[history.NextId][];
        var ownReads = new Rank?[history.NextId][];
        foreach (var operation in order)
        {
            var before = operation.After;
            var floor = before >= 0 ? floors[before] : null;
            if (operation.Kind is OperationKind.Read && ranks.IsBehind(history, operation, floor))
                yield return $"{operation} returned {(operation.ReadFrom >= 0 ? history[operation.ReadFrom] : "nothing")}; its session had seen rank {floor![operation.Key]}";
            ownWrites[operation.Id] = Ranks.Copy(before >= 0 ? ownWrites[before] : null, history.Keys);
            ownReads[operation.Id] = Ranks.Copy(before >= 0 ? ownReads[before] : null, history.Keys);
            if (operation.IsWrite) Ranks.Raise(ownWrites[operation.Id], operation.Key, operation.Rank);
            else Ranks.Raise(ownReads[operation.Id], operation.Key, Ranks.CertainlySeen(history, operation));
            floors[operation.Id] = Ranks.Copy(floor, history.Keys);
            var from = operation.Kind is OperationKind.Read ? operation.ReadFrom : Operation.None;
            Raise(floors[operation.Id], operation, from >= 0 ? ownWrites[from] : null, from >= 0 ? ownReads[from] : null, history);
        }
    }

    /// <summary>What an operation adds to its session's floor. The last two are what the session of the write that it read had written and read by then.</summary>
    protected abstract void Raise(Rank?[] floor, Operation operation, Rank?[]? writtenBefore, Rank?[]? readBefore, ClientHistory history);
}

/// <summary>A session sees its own writes.</summary>
internal sealed class ReadYourWrites() : SessionGuarantee("Read your writes")
{
    protected override void Raise(Rank?[] floor, Operation operation, Rank?[]? writtenBefore, Rank?[]? readBefore, ClientHistory history)
    {
        if (operation.IsWrite) Ranks.Raise(floor, operation.Key, operation.Rank);
    }
}

/// <summary>A session that has seen a write never sees an older one of the key.</summary>
internal sealed class MonotonicReads() : SessionGuarantee("Monotonic reads")
{
    protected override void Raise(Rank?[] floor, Operation operation, Rank?[]? writtenBefore, Rank?[]? readBefore, ClientHistory history)
    {
        if (!operation.IsWrite) Ranks.Raise(floor, operation.Key, Ranks.CertainlySeen(history, operation));
    }
}

/// <summary>Who has seen a write sees what its session wrote before it.</summary>
internal sealed class MonotonicWrites() : SessionGuarantee("Monotonic writes")
{
    protected override void Raise(Rank?[] floor, Operation operation, Rank?[]? writtenBefore, Rank?[]? readBefore, ClientHistory history) =>
        Ranks.Raise(floor, writtenBefore);
}

/// <summary>Who has seen a write sees what its session had read before it.</summary>
internal sealed class WritesFollowReads() : SessionGuarantee("Writes follow reads")
{
    protected override void Raise(Rank?[] floor, Operation operation, Rank?[]? writtenBefore, Rank?[]? readBefore, ClientHistory history) =>
        Ranks.Raise(floor, readBefore);
}
