using System.Diagnostics;

namespace Kv.Faults;

/// <summary>Time since the run began, in ticks of 100 ns, by a clock that nobody sets.</summary>
internal sealed class SuiteClock
{
    private readonly long _began = Stopwatch.GetTimestamp();

    public long Now => Stopwatch.GetElapsedTime(_began).Ticks;

    public TimeSpan Since(long then) => TimeSpan.FromTicks(Now - then);
}
