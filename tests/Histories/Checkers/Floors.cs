namespace Kv.Histories.Checkers;

/// <summary>
/// Per operation, and per key, the greatest rank known there: begins as what the operation before it in its session has, and is kept only as long as
/// some later operation builds on it.
/// </summary>
internal sealed class Floors
{
    private readonly int _keys;
    private readonly int[] _uses;
    private readonly Rank?[]?[] _floors;
    private readonly Stack<Rank?[]> _free = [];

    public Floors(ClientHistory history, List<Operation> order)
    {
        _keys = history.Keys;
        _uses = new int[history.NextId];
        _floors = new Rank?[history.NextId][];
        foreach (var operation in order)
        {
            if (operation.After >= 0) _uses[operation.After]++;
            if (ReadFrom(operation) is >= 0 and var from) _uses[from]++;
        }
    }

    /// <summary>The floor of an operation as its session brings it there.</summary>
    public Rank?[] Begin(Operation operation)
    {
        var floor = _free.TryPop(out var free) ? free : new Rank?[_keys];
        if (operation.After >= 0 && _floors[operation.After] is { } before) before.CopyTo(floor, 0);
        else Array.Clear(floor);
        return _floors[operation.Id] = floor;
    }

    /// <summary>The floor of the write that a read returned; null for everything else.</summary>
    public Rank?[]? OfSource(Operation operation) => ReadFrom(operation) is >= 0 and var from ? _floors[from] : null;

    /// <summary>Lets go of what nothing builds on any more.</summary>
    public void End(Operation operation)
    {
        if (operation.After >= 0 && --_uses[operation.After] == 0) Free(operation.After);
        if (ReadFrom(operation) is >= 0 and var from && --_uses[from] == 0) Free(from);
        if (_uses[operation.Id] == 0) Free(operation.Id);
    }

    private static int ReadFrom(Operation operation) => operation.Kind is OperationKind.Read ? operation.ReadFrom : Operation.None;

    private void Free(int id)
    {
        if (_floors[id] is { } floor) _free.Push(floor);
        _floors[id] = null;
    }
}
