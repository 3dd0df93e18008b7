using Kv.Common.Causality;

namespace Kv.Node.Replica;

/// <summary>Keeps the log after some vector until it is disposed of or given up (<see cref="LogHolds"/>).</summary>
internal sealed class LogHold(Action<LogHold> end) : IDisposable
{
    private readonly TaskCompletionSource _givenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile VersionVector _after = VersionVector.Empty;

    /// <summary>What this covers is not kept.</summary>
    public VersionVector After => _after;

    /// <summary>Ends when the log is kept no longer although this was not disposed of.</summary>
    public Task GivenUp => _givenUp.Task;

    public void KeepAfter(VersionVector vector) => _after = vector;

    public void GiveUp() => _givenUp.TrySetResult();

    public void Dispose() => end(this);
}
