namespace Kv.Histories.Checkers;

/// <summary>Judges one promise by what clients saw.</summary>
internal interface IHistoryChecker
{
    /// <summary>The promise, as it is named when it is broken.</summary>
    string Promise { get; }

    /// <summary>Every way in which the history breaks the promise; none when it keeps it.</summary>
    IEnumerable<string> Check(ClientHistory history);
}
