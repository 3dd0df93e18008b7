namespace Kv.Histories;

/// <summary>
/// The causal order of a history: session order (a token was presented that an operation returned) and reads-from, closed transitively. Operations that
/// others follow are laid out in chains, and each operation carries a vector of how much of every chain comes before it; memory is operations × chains.
/// </summary>
internal sealed class CausalOrder
{
    private readonly ClientHistory _history;
    private readonly int[] _chain;
    private readonly int[] _index;
    private readonly int[] _vectors;
    private readonly int[] _row;

    private CausalOrder(ClientHistory history, List<Operation> order)
    {
        (_history, Operations) = (history, order);
        var size = history.NextId;
        (_chain, _index, _row) = (new int[size], new int[size], new int[size]);
        Array.Fill(_chain, -1);
        Chains = LayChains();
        _vectors = new int[(long)order.Count * Chains];
        for (var row = 0; row < order.Count; row++)
        {
            var operation = order[row];
            _row[operation.Id] = row;
            var vector = _vectors.AsSpan(row * Chains, Chains);
            Join(vector, operation.After);
            if (operation.Kind is OperationKind.Read) Join(vector, operation.ReadFrom);
            if (_chain[operation.Id] >= 0) vector[_chain[operation.Id]] = _index[operation.Id] + 1;
        }
    }

    /// <summary>What took place, each operation after those it follows.</summary>
    public IReadOnlyList<Operation> Operations { get; }

    public int Chains { get; }

    /// <summary>Null when some operation follows itself.</summary>
    public static CausalOrder? Of(ClientHistory history) => history.InCausalOrder() is { } order ? new(history, order) : null;

    /// <summary>-1 for an operation that nothing follows.</summary>
    public int ChainOf(Operation operation) => _chain[operation.Id];

    public int IndexOf(Operation operation) => _index[operation.Id];

    /// <summary>For each chain, how many of its operations come before this one, itself included.</summary>
    public ReadOnlySpan<int> PastOf(Operation operation) => _vectors.AsSpan(_row[operation.Id] * Chains, Chains);

    public bool Precedes(Operation earlier, Operation later) =>
        earlier != later && _chain[earlier.Id] >= 0 && PastOf(later)[_chain[earlier.Id]] > _index[earlier.Id];

    private int LayChains()
    {
        var isFollowed = new bool[_history.NextId];
        foreach (var operation in Operations)
        {
            if (operation.After >= 0) isFollowed[operation.After] = true;
            if (operation.Kind is OperationKind.Read && operation.ReadFrom >= 0) isFollowed[operation.ReadFrom] = true;
        }

        var ends = new List<int>();
        foreach (var operation in Operations)
        {
            if (!isFollowed[operation.Id]) continue;
            var before = IsEnd(operation.After, ends) ? operation.After : operation.Kind is OperationKind.Read && IsEnd(operation.ReadFrom, ends) ? operation.ReadFrom : -1;
            var chain = before >= 0 ? _chain[before] : ends.Count;
            if (before < 0) ends.Add(0);
            _chain[operation.Id] = chain;
            _index[operation.Id] = before >= 0 ? _index[before] + 1 : 0;
            ends[chain] = operation.Id;
        }

        return ends.Count;
    }

    private bool IsEnd(int id, List<int> ends) => id >= 0 && _chain[id] >= 0 && ends[_chain[id]] == id;

    private void Join(Span<int> vector, int before)
    {
        if (before < 0) return;
        var other = _vectors.AsSpan(_row[before] * Chains, Chains);
        for (var i = 0; i < vector.Length; i++)
        {
            if (other[i] > vector[i]) vector[i] = other[i];
        }
    }
}
