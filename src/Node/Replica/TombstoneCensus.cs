namespace Kv.Node.Replica;

/// <summary>How many deletions wait for what, as of the last time they were gone through. Written by whoever goes through them, read by anybody.</summary>
internal sealed class TombstoneCensus
{
    private volatile IReadOnlyDictionary<TombstoneWait, long> _waiting = new Dictionary<TombstoneWait, long>();

    public void Publish(IReadOnlyDictionary<TombstoneWait, long> waiting) => _waiting = waiting;

    public long WaitingFor(TombstoneWait what) => _waiting.GetValueOrDefault(what);
}
