namespace Kv.Node.Requests;

/// <summary>A place among those that a <see cref="RequestBudget"/> has, until it is disposed; or none.</summary>
internal sealed class Place : IDisposable
{
    private readonly Bound? _requests;
    private readonly Bound? _bytes;
    private readonly long _taken;
    private int _isGivenBack;

    private Place(bool isHeld, Bound? requests, Bound? bytes, long taken) => (IsHeld, _requests, _bytes, _taken) = (isHeld, requests, bytes, taken);

    /// <summary>For those who need none.</summary>
    public static Place Free { get; } = new(true, null, null, 0);

    private static Place None { get; } = new(false, null, null, 0);

    public bool IsHeld { get; }

    /// <summary>Not held when one of the two bounds is reached.</summary>
    public static Place Of(Bound requests, Bound? bytes = null, long length = 0)
    {
        if (!requests.TryTake(1)) return None;
        if (length == 0 || bytes is null || bytes.TryTake(length)) return new(true, requests, bytes, length);
        requests.Give(1);
        return None;
    }

    public void Dispose()
    {
        if (_requests is null || Interlocked.Exchange(ref _isGivenBack, 1) != 0) return;
        _requests.Give(1);
        if (_taken > 0) _bytes?.Give(_taken);
    }
}
