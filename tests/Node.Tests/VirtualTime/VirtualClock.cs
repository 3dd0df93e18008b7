using Microsoft.Extensions.Time.Testing;

namespace Kv.Node.Tests.VirtualTime;

/// <summary>
/// Virtual time for several processes on the calling thread. Nothing runs except inside <see cref="Advance"/> and <see cref="Settle"/>, always in the
/// same order; work that escapes to another thread fails the test.
/// </summary>
internal sealed class VirtualClock
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly List<VirtualProcess> _processes = [];

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public VirtualProcess NewProcess()
    {
        var process = new VirtualProcess();
        _processes.Add(process);
        return process;
    }

    /// <summary>Runs everything that happens in the next <paramref name="duration"/>.</summary>
    public void Advance(TimeSpan duration)
    {
        Settle();
        for (var left = duration; left > TimeSpan.Zero; left -= Step)
        {
            Time.Advance(left < Step ? left : Step);
            Settle();
        }
    }

    /// <summary>Advances until <paramref name="reached"/> holds and returns how long that took; fails after <paramref name="bound"/>.</summary>
    public TimeSpan AdvanceUntil(Func<bool> reached, TimeSpan bound)
    {
        Settle();
        var began = Time.GetTimestamp();
        while (!reached())
        {
            Assert.True(Time.GetElapsedTime(began) < bound, $"Not reached within {bound}.");
            Advance(Step);
        }

        return Time.GetElapsedTime(began);
    }

    /// <summary>Runs whatever can run without time passing.</summary>
    public void Settle()
    {
        bool ran;
        do
        {
            ran = false;
            foreach (var process in _processes) ran |= process.RunReady();
        }
        while (ran);
    }
}
