using Kv.Node.Telemetry;

namespace Kv.Node.Requests;

/// <summary>
/// How many requests may be under way at once. More are answered at once that the node is overloaded, before they cost anything: a queue in front of a node that cannot keep up
/// only makes every answer late. Reads and writes, clients and peers have bounds of their own, so that none of them is starved by another; and of each only a part may be waiting
/// for something that is not here, so that those who wait do not keep out those who need not.
/// </summary>
internal sealed class RequestBudget(RequestOptions options, KvMetrics metrics)
{
    private readonly Bound _reads = new(options.MaxReads);
    private readonly Bound _writes = new(options.MaxWrites);
    private readonly Bound _peerReads = new(options.MaxReads);
    private readonly Bound _peerWrites = new(options.MaxWrites);
    private readonly Bound _bytes = new(options.MaxWriteBytes);
    private readonly Bound _peerBytes = new(options.MaxWriteBytes);
    private readonly Bound _listings = new(options.MaxListings);
    private readonly Bound _peerListings = new(options.MaxListings);
    private readonly Bound _batches = new(options.MaxBatches);
    private readonly Bound _waits = new(options.MaxWaiting);

    /// <summary>How many of clients' requests are under way.</summary>
    public long UnderWay => _reads.Used + _writes.Used + _batches.Used;

    /// <summary>False when a client's request would be refused now: it need not even be read.</summary>
    public bool HasRoom(bool isRead)
    {
        if (!(isRead ? _reads : _writes).IsFull) return true;
        metrics.Shed(isRead ? "reads" : "writes");
        return false;
    }

    /// <summary>A client's read, until the place is disposed.</summary>
    public Place TryRead() => Counted(Place.Of(_reads), "reads");

    /// <summary>A client's read of many keys.</summary>
    public Place TryList() => Counted(Place.Of(_reads, _listings, 1), "listings");

    /// <summary>A client's write with a body of so many bytes.</summary>
    public Place TryWrite(long bytes) => Counted(Place.Of(_writes, _bytes, bytes), "writes");

    /// <summary>A client's batch with a body of so many bytes.</summary>
    public Place TryBatch(long bytes) => Counted(Place.Of(_batches, _bytes, bytes), "batches");

    /// <summary>A request that a peer forwards.</summary>
    public Place TryServe(ForwardRequest request) => Counted(
        request.Operation switch
        {
            ForwardedOperation.Put or ForwardedOperation.Delete => Place.Of(_peerWrites, _peerBytes, request.Size),
            ForwardedOperation.List => Place.Of(_peerReads, _peerListings, 1),
            _ => Place.Of(_peerReads),
        },
        "forwarded");

    /// <summary>One that is under way and is to wait for what its client has seen, or for more replicas than can be reached.</summary>
    public Place TryWait() => Counted(Place.Of(_waits), "waiting");

    private Place Counted(Place place, string what)
    {
        if (!place.IsHeld) metrics.Shed(what);
        return place;
    }
}
