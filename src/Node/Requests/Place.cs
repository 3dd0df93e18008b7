namespace Kv.Node.Requests;

/// <summary>A place among those that a <see cref="RequestBudget"/> has, until it is disposed; or none.</summary>
internal readonly struct Place : IDisposable
{
    private readonly Bound? _requests;
    private readonly Bound? _bytes;
    private readonly long _taken;

    private Place(Bound? requests, Bound? bytes, long taken) => (_requests, _bytes, _taken, IsHeld) = (requests, bytes, taken, true);

    /// <summary>For those who need none.</summary>
    public static Place Free { get; } = new(null, null, 0);

    public bool IsHeld { get; }

    /// <summary>Not held when one of the two bounds is reached.</summary>
    public static Place Of(Bound requests, Bound? bytes = null, long length = 0)
    {
        if (!requests.TryTake(1)) return default;
        if (length == 0 || bytes is null || bytes.TryTake(length)) return new(requests, bytes, length);
        requests.Give(1);
        return default;
    }

    public void Dispose()
    {
        _requests?.Give(1);
        if (_taken > 0) _bytes?.Give(_taken);
    }
}
