namespace Kv.Node.Requests;

/// <summary>
/// Whether this node takes requests. One that is about to end takes them until those who send them had the time to go elsewhere; then only what is under way is brought to its end.
/// </summary>
internal sealed class RequestIntake : IDisposable
{
    private volatile bool _isLeaving;
    private volatile bool _isClosed;
    private readonly CancellationTokenSource _closed = new();
    private long _underWay;

    public RequestIntake() => Closed = _closed.Token;

    /// <summary>True when clients are to take their connections elsewhere.</summary>
    public bool IsLeaving => _isLeaving;

    /// <summary>True when nothing new is taken: clients' requests are refused, and peers are told to ask another replica.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>Clients' requests of any kind that were taken and are not answered whole.</summary>
    public long UnderWay => Volatile.Read(ref _underWay);

    /// <summary>Cancelled when nothing new is taken: what has no end of its own ends then.</summary>
    public CancellationToken Closed { get; }

    public void BeginLeaving() => _isLeaving = true;

    public void Close()
    {
        _isClosed = true;
        _closed.Cancel();
    }

    /// <summary>False when it is not taken. A taken one is ended by <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        Interlocked.Increment(ref _underWay);
        // After counting, so that whoever closed and then sees none under way is right.
        if (!_isClosed) return true;
        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _underWay);

    public void Dispose() => _closed.Dispose();
}
