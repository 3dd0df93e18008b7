using System.Diagnostics;

namespace Kv.Faults.Reports;

/// <summary>
/// How long this process itself was kept waiting for the processor. What the suite measures cannot be better than that, nor the nodes', which share the machine.
/// </summary>
internal sealed class OwnPauses : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly Thread _thread;
    private volatile bool _ends;
    private long _longestTicks;

    public OwnPauses()
    {
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public TimeSpan Longest => TimeSpan.FromTicks(Interlocked.Read(ref _longestTicks));

    public void Dispose()
    {
        _ends = true;
        _thread.Join();
    }

    private void Run()
    {
        while (!_ends)
        {
            var began = Stopwatch.GetTimestamp();
            Thread.Sleep(Interval);
            var late = Stopwatch.GetElapsedTime(began) - Interval;
            if (late.Ticks > _longestTicks) Interlocked.Exchange(ref _longestTicks, late.Ticks);
        }
    }
}
