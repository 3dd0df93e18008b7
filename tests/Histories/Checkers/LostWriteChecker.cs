namespace Kv.Histories.Checkers;

/// <summary>When all is healed, the value of a key is a write that ranks no lower than any acknowledged one.</summary>
internal sealed class LostWriteChecker : IHistoryChecker
{
    public string Promise => "No acknowledged write is lost";

    public IEnumerable<string> Check(ClientHistory history)
    {
        if (history.Final is not { } final) yield break;
        foreach (var write in history.Operations.Where(o => o.IsWrite && o.Status is OperationStatus.Acknowledged && !o.IsExcusablyLost))
        {
            if (write.Rank is not { } rank) yield return $"no disk ever had {write}";
            else if (!final.TryGetValue(write.Key, out var left)) yield return $"the key of {write} has no record at the end";
            else if (left < rank) yield return $"{write} is acknowledged, but at the end rank {left} is the key's";
        }
    }
}
