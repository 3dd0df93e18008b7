namespace Kv.Histories;

/// <summary>For each key and chain, its writes in order: finds the last write of a chain that an operation has in its past.</summary>
internal sealed class WritesByChain
{
    private readonly CausalOrder _order;
    private readonly List<(int Chain, List<Operation> Writes)>[] _byKey;

    public WritesByChain(CausalOrder order, int keys)
    {
        _order = order;
        _byKey = new List<(int, List<Operation>)>[keys];
        for (var key = 0; key < keys; key++) _byKey[key] = [];
        var places = new Dictionary<(int Key, int Chain), List<Operation>>();
        foreach (var operation in order.Operations)
        {
            if (!operation.IsWrite || order.ChainOf(operation) is not (>= 0 and var chain)) continue;
            if (!places.TryGetValue((operation.Key, chain), out var writes))
            {
                places[(operation.Key, chain)] = writes = [];
                _byKey[operation.Key].Add((chain, writes));
            }

            writes.Add(operation);
        }
    }

    /// <summary>For every chain, its last write of the operation's key that causally precedes the operation.</summary>
    public IEnumerable<Operation> LastBefore(Operation operation)
    {
        foreach (var (chain, writes) in _byKey[operation.Key])
        {
            var seen = _order.PastOf(operation)[chain];
            int low = 0, high = writes.Count;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_order.IndexOf(writes[middle]) < seen) low = middle + 1;
                else high = middle;
            }

            if (low > 0 && writes[low - 1] == operation) low--;
            if (low > 0) yield return writes[low - 1];
        }
    }
}
