namespace Kv.Histories;

/// <summary>Everything that clients did and saw, by operation id.</summary>
internal sealed class ClientHistory
{
    private readonly List<Operation> _operations = [];

    public IReadOnlyList<Operation> Operations => _operations;

    public int Keys { get; private set; }

    /// <summary>How many origins wrote: nodes, and once more each that came back without its disk, or wrote in another layout.</summary>
    public int Origins { get; set; } = 6;

    /// <summary>What every replica has for each key when all is healed; null when a run did not get that far.</summary>
    public IReadOnlyDictionary<int, Rank>? Final { get; set; }

    public Operation this[int id] => _operations[id];

    public int NextId => _operations.Count;

    public void Add(Operation operation)
    {
        if (operation.Id != _operations.Count) throw new ArgumentException("Operations are numbered as they are added.", nameof(operation));
        _operations.Add(operation);
        Keys = Math.Max(Keys, operation.Key + 1);
    }

    /// <summary>
    /// The operations that took place and were observed, each after everything it causally follows; null when there is no such order, because an operation
    /// follows itself.
    /// </summary>
    public List<Operation>? InCausalOrder()
    {
        // Almost always the order of ids is one; a depth-first walk puts right what is not.
        var order = new List<Operation>(_operations.Count);
        var state = new byte[_operations.Count];
        var stack = new Stack<(Operation Operation, int Next)>();
        foreach (var root in _operations)
        {
            if (state[root.Id] != 0 || !TookPlace(root)) continue;
            stack.Push((root, 0));
            state[root.Id] = 1;
            while (stack.TryPop(out var top))
            {
                var (operation, next) = top;
                if (next == 2)
                {
                    state[operation.Id] = 2;
                    order.Add(operation);
                    continue;
                }

                stack.Push((operation, next + 1));
                var before = next == 0 ? operation.After : operation.Kind is OperationKind.Read ? operation.ReadFrom : Operation.None;
                if (before < 0 || before >= state.Length || state[before] == 2) continue;
                if (state[before] == 1) return null;
                state[before] = 1;
                stack.Push((_operations[before], 0));
            }
        }

        return order;
    }

    /// <summary>Reads that were answered, and writes that were acknowledged or that somebody may have seen.</summary>
    public static bool TookPlace(Operation operation) =>
        operation.Kind is OperationKind.Read ? operation.Status is OperationStatus.Acknowledged : operation.Status is not OperationStatus.Refused;
}
