namespace Kv.Histories.Checkers;

/// <summary>A read returns only what was written to that key: the pattern ThinAirRead of Bouajjani, Enea, Guerraoui, Hamza (POPL 2017).</summary>
internal sealed class ThinAirChecker : IHistoryChecker
{
    public string Promise => "No value out of thin air";

    public IEnumerable<string> Check(ClientHistory history)
    {
        foreach (var read in history.Operations.Where(o => o.Kind is OperationKind.Read && o.Status is OperationStatus.Acknowledged && o.ReadFrom != Operation.None))
        {
            if (read.ReadFrom < 0 || read.ReadFrom >= history.NextId)
            {
                yield return $"{read} returned what nobody wrote";
                continue;
            }

            var write = history[read.ReadFrom];
            if (write.Kind is not OperationKind.Put || write.Key != read.Key) yield return $"{read} returned the value of {write}";
            else if (write.Status is OperationStatus.Refused) yield return $"{read} returned the value of {write}, which was refused";
            else if (write.InvokedAt > read.ReturnedAt) yield return $"{read} returned a value before it was written by {write}";
        }
    }
}
