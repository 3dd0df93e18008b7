namespace Kv.Histories.Checkers;

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
        var floors = new Floors(history, order);
        var ownWrites = new Floors(history, order);
        var ownReads = new Floors(history, order);
        foreach (var operation in order)
        {
            var floor = floors.Begin(operation);
            if (operation.Kind is OperationKind.Read && ranks.IsBehind(history, operation, floor))
                yield return $"{operation} returned {(operation.ReadFrom >= 0 ? history[operation.ReadFrom] : "nothing")}; its session had seen rank {floor[operation.Key]}";
            var (written, read) = (ownWrites.Begin(operation), ownReads.Begin(operation));
            if (operation.IsWrite) Ranks.Raise(written, operation.Key, operation.Rank);
            else Ranks.Raise(read, operation.Key, Ranks.CertainlySeen(history, operation));
            Raise(floor, operation, ownWrites.OfSource(operation), ownReads.OfSource(operation), history);
            floors.End(operation);
            ownWrites.End(operation);
            ownReads.End(operation);
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
