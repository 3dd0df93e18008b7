namespace Kv.Histories.Checkers;

/// <summary>
/// Causal convergence with the order that the store itself uses: a write ranks above everything of its key in its past, and a read returns the greatest
/// of what is in its past or something greater.
/// </summary>
internal sealed class ConvergenceOrderChecker : IHistoryChecker
{
    public string Promise => "Last writer wins, in causal order";

    public IEnumerable<string> Check(ClientHistory history)
    {
        if (history.InCausalOrder() is not { } order) yield break;
        var ranks = new Ranks(history);
        var floors = new Floors(history, order);
        foreach (var operation in order)
        {
            var floor = floors.Begin(operation);
            if (operation.Kind is OperationKind.Read)
            {
                if (ranks.IsBehind(history, operation, floor)) yield return $"{operation} is older than rank {floor[operation.Key]} in its past";
                Ranks.Raise(floor, floors.OfSource(operation));
            }
            else
            {
                if (operation.Rank is { } rank && floor[operation.Key] is { } known && rank <= known) yield return $"{operation} does not rank above {known} in its past";
                Ranks.Raise(floor, operation.Key, operation.Rank);
            }

            floors.End(operation);
        }
    }
}
