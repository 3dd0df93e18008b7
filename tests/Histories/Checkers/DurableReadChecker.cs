namespace Kv.Histories.Checkers;

/// <summary>What was read cannot be undone by a crash: every write that somebody read is durable somewhere.</summary>
internal sealed class DurableReadChecker : IHistoryChecker
{
    public string Promise => "What is read is durable";

    public IEnumerable<string> Check(ClientHistory history) => history.Final is null
        ? []
        : history.Operations
            .Where(o => o.Kind is OperationKind.Read && o.ReadFrom >= 0 && o.ReadFrom < history.NextId && history[o.ReadFrom].Rank is null)
            .Select(o => $"{o} returned the value of {history[o.ReadFrom]}, which no disk ever had");
}
