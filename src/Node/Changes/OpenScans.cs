using Kv.Common.Changes;

namespace Kv.Node.Changes;

/// <summary>Scans that were read to their end and are left open, so that the logs are kept from their cuts on (<see cref="ChangeSource.ScanAsync"/>). Used by one feed.</summary>
internal sealed class OpenScans : IAsyncDisposable
{
    private readonly Dictionary<ChangeLane, IAsyncEnumerator<ChangePiece>> _open = [];

    /// <summary>Takes the place of an earlier scan of the lane.</summary>
    public async ValueTask KeepAsync(ChangeLane lane, IAsyncEnumerator<ChangePiece> scan)
    {
        _open.Remove(lane, out var earlier);
        _open[lane] = scan;
        if (earlier is not null) await earlier.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        var open = _open.Values.ToList();
        _open.Clear();
        foreach (var scan in open) await scan.DisposeAsync();
    }
}
