using System.Diagnostics;

namespace Kv.TestSupport;

/// <summary>Waiting for a state of other processes, which cannot be awaited: the state is looked at again and again, up to a bound.</summary>
public static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    /// <summary>Ends when <paramref name="condition"/> holds; throws <see cref="TimeoutException"/> saying <paramref name="why"/> when it does not within the bound.</summary>
    public static async Task Async(Func<Task<bool>> condition, TimeSpan within, string why)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > within) throw new TimeoutException($"Not within {within.TotalSeconds:0.#} s: {why}");
            await Task.Delay(Interval);
        }
    }

    /// <summary>The same, and the last thing seen goes into the failure.</summary>
    public static async Task<T> Async<T>(Func<Task<T>> look, Func<T, bool> condition, TimeSpan within, string why)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var seen = await look();
            if (condition(seen)) return seen;
            if (watch.Elapsed > within) throw new TimeoutException($"Not within {within.TotalSeconds:0.#} s: {why}. Last seen: {seen}");
            await Task.Delay(Interval);
        }
    }

    /// <summary>Looks again and again for the whole time, and throws at the first violation. <paramref name="violation"/> describes it, or gives null.</summary>
    public static async Task NeverAsync(Func<Task<string?>> violation, TimeSpan during)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < during)
        {
            if (await violation() is { } seen) throw new InvalidOperationException($"After {watch.ElapsedMilliseconds} ms: {seen}");
            await Task.Delay(Interval);
        }
    }
}
