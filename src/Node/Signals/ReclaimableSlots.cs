namespace Kv.Node.Signals;

/// <summary>
/// So many slots for what may wait for a client: when all are taken, who has waited longest gives its own up, if that is longer than the patience; if not, the newcomer gets
/// none. So whoever takes many slots and does nothing with them takes them from itself.
/// </summary>
internal sealed class ReclaimableSlots(int limit, TimeSpan patience, TimeProvider time)
{
    private readonly Lock _gate = new();
    // Those who wait, the longest first.
    private readonly LinkedList<Slot> _waiting = [];
    private int _used;

    public int Used
    {
        get
        {
            lock (_gate) return _used;
        }
    }

    /// <summary>A slot, until it is disposed, or null. Whoever gets it waits; <paramref name="reclaim"/> ends that when the slot is needed, at most once and at any time.</summary>
    public Slot? TryEnter(Action reclaim)
    {
        Slot? victim = null;
        var slot = new Slot(this, reclaim);
        lock (_gate)
        {
            if (_used >= limit)
            {
                victim = _waiting.First?.Value;
                if (victim is null || time.GetElapsedTime(victim.Since) < patience) return null;
                Leave(victim);
            }

            _used++;
            Wait(slot);
        }

        victim?.Reclaim();
        return slot;
    }

    private void Wait(Slot slot)
    {
        slot.Since = time.GetTimestamp();
        _waiting.AddLast(slot.Node);
    }

    private void Leave(Slot slot)
    {
        if (slot.HasLeft) return;
        slot.HasLeft = true;
        _used--;
        if (slot.Node.List is not null) _waiting.Remove(slot.Node);
    }

    internal sealed class Slot : IDisposable
    {
        private readonly ReclaimableSlots _slots;
        private readonly Action _reclaim;
        private int _busy;

        public Slot(ReclaimableSlots slots, Action reclaim)
        {
            (_slots, _reclaim) = (slots, reclaim);
            Node = new(this);
        }

        internal LinkedListNode<Slot> Node { get; }

        internal long Since { get; set; }

        internal bool HasLeft { get; set; }

        /// <summary>It does not wait until <see cref="EndWork"/> was called as often as this.</summary>
        public void BeginWork()
        {
            lock (_slots._gate)
            {
                if (_busy++ == 0 && Node.List is not null) _slots._waiting.Remove(Node);
            }
        }

        public void EndWork()
        {
            lock (_slots._gate)
            {
                if (--_busy == 0 && !HasLeft) _slots.Wait(this);
            }
        }

        public void Dispose()
        {
            lock (_slots._gate) _slots.Leave(this);
        }

        internal void Reclaim() => _reclaim();
    }
}
