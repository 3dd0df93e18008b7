using Kv.Histories;
using Kv.Histories.Checkers;

namespace Kv.Simulation.Tests.Checkers;

/// <summary>Histories written by hand. Each step takes a unit of time, and each write ranks above those before it unless it says otherwise.</summary>
internal sealed class HandMade(int origins = 6)
{
    private readonly ClientHistory _history = new() { Origins = origins };
    private readonly Dictionary<int, int> _last = [];
    private long _now;

    /// <summary>A client puts; its session goes on.</summary>
    public int Put(int client, int key, ulong? rank = null, OperationStatus status = OperationStatus.Acknowledged) =>
        Add(client, OperationKind.Put, key, Operation.None, rank ?? (ulong)_history.NextId + 1, status);

    public int Delete(int client, int key, ulong? rank = null) => Add(client, OperationKind.Delete, key, Operation.None, rank ?? (ulong)_history.NextId + 1, OperationStatus.Acknowledged);

    /// <summary>A client reads the value of that put, or nothing.</summary>
    public int Read(int client, int key, int from = Operation.None) => Add(client, OperationKind.Read, key, from, null, OperationStatus.Acknowledged);

    /// <summary>The client goes on with the token that another operation returned.</summary>
    public void Adopt(int client, int operation) => _last[client] = operation;

    public ClientHistory Done(params (int Key, ulong Rank)[] final)
    {
        if (final.Length > 0) _history.Final = final.ToDictionary(f => f.Key, f => new Rank(f.Rank, 1));
        return _history;
    }

    public ClientHistory History => _history;

    public static void Accepts(IHistoryChecker checker, ClientHistory history) => Assert.Empty(checker.Check(history));

    public static void Refuses(IHistoryChecker checker, ClientHistory history, string because = "") =>
        Assert.Contains(checker.Check(history), problem => problem.Contains(because, StringComparison.Ordinal));

    private int Add(int client, OperationKind kind, int key, int from, ulong? rank, OperationStatus status)
    {
        var operation = new Operation
        {
            Id = _history.NextId,
            Client = client,
            Kind = kind,
            Key = key,
            After = _last.GetValueOrDefault(client, Operation.None),
            Status = status,
            ReadFrom = from,
            Rank = rank is { } stamp ? new Rank(stamp, 1) : null,
            InvokedAt = _now++,
            ReturnedAt = _now++,
        };
        _history.Add(operation);
        if (status is OperationStatus.Acknowledged) _last[client] = operation.Id;
        return operation.Id;
    }
}
