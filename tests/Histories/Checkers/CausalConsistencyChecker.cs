namespace Kv.Histories.Checkers;

/// <summary>
/// Causal consistency and causal convergence of a history with unique values, by the absence of the bad patterns of Bouajjani et al. (POPL 2017): a cycle
/// in the causal order (CyclicCO), a read that misses a write in its past (WriteCOInitRead), one that returns a value overwritten in its past
/// (WriteCORead), and a cycle of the causal order with the order in which reads resolve conflicts (CyclicCF). With vectors over k chains, n operations
/// cost O(nk log n). A read that finds nothing may stand for a deletion, so it is wrong only when no deletion explains it.
/// </summary>
internal sealed class CausalConsistencyChecker : IHistoryChecker
{
    public string Promise => "Causal consistency";

    public IEnumerable<string> Check(ClientHistory history)
    {
        if (CausalOrder.Of(history) is not { } order)
        {
            yield return "CyclicCO: an operation causally precedes itself";
            yield break;
        }

        var writes = new WritesByChain(order, history.Keys);
        var deletions = history.Operations.Where(o => o.Kind is OperationKind.Delete && ClientHistory.TookPlace(o)).ToLookup(o => o.Key);
        foreach (var read in order.Operations.Where(o => o.Kind is OperationKind.Read))
        {
            var problem = read.ReadFrom >= 0 ? OverwrittenInPast(read, history[read.ReadFrom], order, writes) : MissedWrite(read, order, writes, deletions[read.Key]);
            if (problem is not null) yield return problem;
        }

        if (ConflictCycle(history, order, writes) is { } cycle) yield return cycle;
    }

    private static string? OverwrittenInPast(Operation read, Operation from, CausalOrder order, WritesByChain writes)
    {
        foreach (var write in writes.LastBefore(read))
        {
            if (write != from && order.Precedes(from, write)) return $"WriteCORead: {read} returned {from}, which {write}, also in its past, overwrote";
        }

        return null;
    }

    private static string? MissedWrite(Operation read, CausalOrder order, WritesByChain writes, IEnumerable<Operation> deletions)
    {
        var inPast = writes.LastBefore(read).ToList();
        if (!inPast.Exists(write => write.Kind is OperationKind.Put)) return null;
        // A deletion explains it that nothing in the reader's past overwrites.
        foreach (var deletion in deletions)
        {
            if (deletion.InvokedAt <= read.ReturnedAt && !inPast.Exists(write => write != deletion && order.Precedes(deletion, write))) return null;
        }

        return $"WriteCOInitRead: {read} found nothing, although {inPast.Find(write => write.Kind is OperationKind.Put)} is in its past";
    }

    // Edges w -> v where some read that has w in its past returned v. Of the writes of one chain the last one is enough, and per v the last over all its reads.
    private static string? ConflictCycle(ClientHistory history, CausalOrder order, WritesByChain writes)
    {
        var edges = new List<(int From, int To)>();
        var last = new Operation?[order.Chains];
        var touched = new List<int>();
        foreach (var reads in order.Operations.Where(o => o.Kind is OperationKind.Read && o.ReadFrom >= 0).GroupBy(o => o.ReadFrom))
        {
            var from = history[reads.Key];
            foreach (var read in reads)
            {
                foreach (var write in writes.LastBefore(read))
                {
                    if (write == from) continue;
                    var chain = order.ChainOf(write);
                    if (last[chain] is { } known && order.IndexOf(known) >= order.IndexOf(write)) continue;
                    if (last[chain] is null) touched.Add(chain);
                    last[chain] = write;
                }
            }

            foreach (var chain in touched)
            {
                if (!order.Precedes(last[chain]!, from)) edges.Add((last[chain]!.Id, from.Id));
                last[chain] = null;
            }

            touched.Clear();
        }

        return Acyclic(history, order, edges) is { } left ? $"CyclicCF: no order of conflicting writes agrees with every read; among the operations in a cycle is {left}" : null;
    }

    // Kahn's algorithm over session order, reads-from and conflict edges; null when everything could be ordered.
    private static Operation? Acyclic(ClientHistory history, CausalOrder order, List<(int From, int To)> conflicts)
    {
        var size = history.NextId;
        var incoming = new int[size];
        var first = new int[size];
        Array.Fill(first, -1);
        var targets = new int[(order.Operations.Count * 2) + conflicts.Count];
        var next = new int[targets.Length];
        var count = 0;
        foreach (var operation in order.Operations)
        {
            if (operation.After >= 0) AddEdge(operation.After, operation.Id);
            if (operation.Kind is OperationKind.Read && operation.ReadFrom >= 0) AddEdge(operation.ReadFrom, operation.Id);
        }

        foreach (var (from, to) in conflicts) AddEdge(from, to);
        var ready = new Stack<int>(order.Operations.Where(o => incoming[o.Id] == 0).Select(o => o.Id));
        var ordered = 0;
        while (ready.TryPop(out var id))
        {
            ordered++;
            for (var edge = first[id]; edge >= 0; edge = next[edge])
            {
                if (--incoming[targets[edge]] == 0) ready.Push(targets[edge]);
            }
        }

        return ordered == order.Operations.Count ? null : order.Operations.First(o => incoming[o.Id] > 0);

        void AddEdge(int from, int to)
        {
            targets[count] = to;
            next[count] = first[from];
            first[from] = count++;
            incoming[to]++;
        }
    }
}
