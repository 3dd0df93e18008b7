namespace Kv.Node.Storage.InMemory;

/// <summary>
/// The medium under <see cref="InMemoryStorage"/>: what is synced on it outlives the engine, as a disk outlives a process. Every write goes through the
/// steps of <see cref="DiskStep"/>, and a test may stand in each: <see cref="OnStep"/> can fail it (throw), stretch it (complete later) or end it
/// (<see cref="Crash"/>). No threads and no time: the same calls give the same disk.
/// </summary>
internal sealed class InMemoryDisk
{
    private readonly List<StoredState> _unsynced = [];
    private StoredState _synced = StoredState.Empty;
    private int _holder;

    /// <summary>Called before each step of each write; null for a disk that never fails and never waits.</summary>
    public Func<DiskStep, ValueTask>? OnStep { get; set; }

    /// <summary>How much room there is; it is for a test to change.</summary>
    public StorageRoom Room { get; set; } = StorageRoom.Ample;

    /// <summary>How many writes were handed to the disk and may be lost with the power.</summary>
    public int UnsyncedWrites => _unsynced.Count;

    /// <summary>
    /// The power goes: the engine in use can do no more, and of what was not synced only the first <paramref name="survivingWrites"/> writes are there
    /// afterwards. A write that was torn counts among the lost, for that is what recovery makes of it.
    /// </summary>
    public void Crash(int survivingWrites = 0)
    {
        if (survivingWrites > 0) _synced = _unsynced[Math.Min(survivingWrites, _unsynced.Count) - 1];
        _unsynced.Clear();
        _holder++;
    }

    /// <summary>Gives the disk to a new engine; the one before can do no more, and what it had not synced is lost.</summary>
    internal (int Holder, StoredState State) Attach()
    {
        Crash();
        return (_holder, _synced);
    }

    /// <summary>Announces a step. Throws <see cref="StorageFailedException"/> when the disk is no longer the holder's, or the step fails.</summary>
    internal async ValueTask StepAsync(int holder, DiskStep step)
    {
        ThrowIfLost(holder);
        if (OnStep is not { } onStep) return;
        try
        {
            await onStep(step);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageFailedException($"A write failed: {e.Message}", e);
        }

        ThrowIfLost(holder);
    }

    internal void Write(StoredState state) => _unsynced.Add(state);

    internal void Sync()
    {
        if (_unsynced.Count == 0) return;
        _synced = _unsynced[^1];
        _unsynced.Clear();
    }

    private void ThrowIfLost(int holder)
    {
        if (holder != _holder) throw new StorageFailedException("The power went, or another engine took the disk over.");
    }
}
