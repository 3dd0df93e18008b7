namespace Kv.Histories.Checkers;

/// <summary>What the checkers share that judge by the rank of writes: per key, the greatest rank that a reader must not fall behind.</summary>
internal sealed class Ranks
{
    private readonly Rank?[] _greatestDeletion;

    public Ranks(ClientHistory history)
    {
        _greatestDeletion = new Rank?[history.Keys];
        foreach (var deletion in history.Operations.Where(o => o.Kind is OperationKind.Delete && o.Rank is not null))
        {
            if (_greatestDeletion[deletion.Key] is not { } known || deletion.Rank > known) _greatestDeletion[deletion.Key] = deletion.Rank;
        }
    }

    public static void Raise(Rank?[] floor, int key, Rank? rank)
    {
        if (rank is { } value && (floor[key] is not { } known || value > known)) floor[key] = value;
    }

    public static void Raise(Rank?[] floor, Rank?[]? other)
    {
        for (var key = 0; other is not null && key < floor.Length; key++) Raise(floor, key, other[key]);
    }

    /// <summary>The rank of what a read returned; for one that found nothing, the greatest that it may have been. Null when it found nothing and nothing was deleted.</summary>
    public Rank? OfRead(ClientHistory history, Operation read) => read.ReadFrom >= 0 ? history[read.ReadFrom].Rank : _greatestDeletion[read.Key];

    /// <summary>The rank that a read certainly saw.</summary>
    public static Rank? CertainlySeen(ClientHistory history, Operation read) => read.ReadFrom >= 0 ? history[read.ReadFrom].Rank : null;

    /// <summary>True when the read is older than the floor of its key allows.</summary>
    public bool IsBehind(ClientHistory history, Operation read, Rank?[] floor) =>
        floor[read.Key] is { } least && (OfRead(history, read) is not { } seen || seen < least);
}
