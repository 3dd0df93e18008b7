using System.Diagnostics;

namespace Kv.Fuzz.Runs;

/// <summary>
/// Bounds the time of each input. Whoever runs one enters before it and leaves after it; an input that is still running at the bound is noted, and one that
/// is running at <see cref="Hopeless"/> is reported: its thread cannot be saved.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<Entry> _running = [];
    private readonly Action<Failure> _hung;
    private readonly Timer _timer;

    /// <param name="hung">Called once for each input that does not end.</param>
    public Watchdog(TimeSpan bound, TimeSpan hopeless, Action<Failure> hung)
    {
        (Bound, Hopeless, _hung) = (bound, hopeless, hung);
        _timer = new(_ => Look(), null, bound / 4, bound / 4);
    }

    public TimeSpan Bound { get; }

    public TimeSpan Hopeless { get; }

    public Entry Enter(RoundId round, int index, byte[] input)
    {
        var entry = new Entry(round, index, input);
        lock (_gate) _running.Add(entry);
        return entry;
    }

    /// <summary>How long it took, by the wall clock.</summary>
    public TimeSpan Leave(Entry entry)
    {
        lock (_gate) _running.Remove(entry);
        return entry.Elapsed;
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        List<Entry> hopeless;
        lock (_gate)
        {
            hopeless = [.. _running.Where(entry => entry.Elapsed >= Hopeless)];
            _running.ExceptWith(hopeless);
        }

        foreach (var entry in hopeless) _hung(new(entry.Round, entry.Index, entry.Input, $"does not end within {Hopeless.TotalSeconds:0.#} s"));
    }

    internal sealed class Entry(RoundId round, int index, byte[] input)
    {
        private readonly long _since = Stopwatch.GetTimestamp();

        public RoundId Round => round;

        public int Index => index;

        public byte[] Input => input;

        public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_since);
    }
}
