using Kv.Node.Telemetry;

namespace Kv.Node.Scrub;

/// <summary>Remembers what the comparison came to, for people to see. Written by <see cref="Scrubber"/>, read by anybody.</summary>
internal sealed class ScrubProgress(KvMetrics metrics)
{
    public const int MostRemembered = 100;

    private readonly Lock _gate = new();
    private readonly Queue<ScrubFinding> _findings = [];
    private ScrubState _state;
    private int _done;
    private int _total;
    private long _passes;
    private DateTimeOffset? _lastEnded;
    private long _missing;
    private long _miscounted;

    public void SetWaiting()
    {
        lock (_gate) _state = ScrubState.Waiting;
    }

    public void Begin(int arcs)
    {
        lock (_gate) (_state, _done, _total) = (ScrubState.Running, 0, arcs);
    }

    public void Done(int arcs)
    {
        lock (_gate) _done += arcs;
        metrics.Scrubbed(arcs);
    }

    public void End(DateTimeOffset at)
    {
        lock (_gate)
        {
            _passes++;
            _lastEnded = at;
        }
    }

    public void Found(ScrubFinding finding)
    {
        lock (_gate)
        {
            if (finding.Kind is ScrubFindingKind.MissingWrite) _missing++;
            else _miscounted++;
            _findings.Enqueue(finding);
            if (_findings.Count > MostRemembered) _findings.Dequeue();
        }

        metrics.ScrubFound(finding.Kind is ScrubFindingKind.MissingWrite ? "missing_write" : "wrong_count");
    }

    public ScrubReport Report()
    {
        lock (_gate) return new(_state, _done, _total, _passes, _lastEnded, _missing, _miscounted, [.. _findings.Reverse()]);
    }
}
