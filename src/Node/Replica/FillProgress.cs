using Kv.Common.Migration;

namespace Kv.Node.Replica;

/// <summary>Counts what the transfers of the fill under way have brought, for people to see. Written by whoever fills, read by anybody.</summary>
internal sealed class FillProgress
{
    private readonly Lock _gate = new();
    private FillSession _session;
    private int _partsDone;
    private int _partsTotal;
    private long _records;
    private long _bytes;

    /// <summary>Begins anew with a fill of so many parts, of which some were there before this process.</summary>
    public void Begin(FillSession session, int parts, int done)
    {
        lock (_gate) (_session, _partsDone, _partsTotal, _records, _bytes) = (session, done, parts, 0, 0);
    }

    public void Received(long records, long bytes)
    {
        lock (_gate)
        {
            _records += records;
            _bytes += bytes;
        }
    }

    /// <summary>How many records were received.</summary>
    public long Records
    {
        get
        {
            lock (_gate) return _records;
        }
    }

    public void PartDone()
    {
        lock (_gate) _partsDone++;
    }

    /// <summary>As told to the others; null when nothing is being filled.</summary>
    public FillReport? Report(ReplicaSnapshot snapshot)
    {
        if (snapshot.Fill is not { } fill) return null;
        lock (_gate)
        {
            return FillSession.Of(fill) == _session
                ? new(fill.Target, fill.Since, fill.IsComplete, _partsDone, _partsTotal, _records, _bytes)
                : new(fill.Target, fill.Since, fill.IsComplete, 0, 0, 0, 0);
        }
    }
}
