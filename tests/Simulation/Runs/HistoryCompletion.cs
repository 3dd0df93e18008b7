using Kv.Histories;
using Kv.Simulation.Clients;
using Kv.Simulation.Nodes;

namespace Kv.Simulation.Runs;

/// <summary>Adds to what clients saw what only a god knows: which writes took place although nobody said so, and the rank of each.</summary>
internal static class HistoryCompletion
{
    public static void Complete(Workload workload, Ledger ledger)
    {
        var history = workload.History;
        var matched = new HashSet<Ledger.Entry>();
        foreach (var operation in history.Operations)
        {
            if (!operation.IsWrite) continue;
            var entry = operation.Kind is OperationKind.Put ? ledger.FindByValue(operation.Id) : ledger.FindByToken(workload.TokenOf(operation.Id).Sealed);
            if (entry is null) continue;
            matched.Add(entry);
            operation.Rank = new(entry.Record.Stamp.Packed, entry.Record.Dot.Origin.Incarnation.Value);
            operation.IsExcusablyLost = entry.IsLost && (operation.Replicas < 2 || entry.IsLostForManyReasons);
        }

        // Deletions write no value by which an unanswered one could be told; each of those becomes an operation of its own.
        foreach (var entry in ledger.Entries.Where(entry => entry.Record.IsTombstone && !matched.Contains(entry)).ToList())
        {
            history.Add(new Operation
            {
                Id = history.NextId,
                Client = Operation.None,
                Kind = OperationKind.Delete,
                Key = Enumerable.Range(0, workload.Keys).First(i => workload.KeyOf(i) == entry.Record.Key),
                InvokedAt = 0,
                Rank = new(entry.Record.Stamp.Packed, entry.Record.Dot.Origin.Incarnation.Value),
                IsExcusablyLost = entry.IsLost,
            });
        }
    }
}
