using System.Diagnostics;
using Xunit;

namespace Kv.Docker.Tests;

/// <summary>Waits for a condition of the running cluster, never for an amount of time.</summary>
internal static class Until
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Looks until <paramref name="problem"/> is null, and fails with the last problem after <paramref name="within"/>.
    /// The last look begins before the bound; a look that begins in time may end after it.
    /// </summary>
    public static async Task NoProblemAsync(string goal, TimeSpan within, Func<Task<string?>> problem)
    {
        var watch = Stopwatch.StartNew();
        while (await problem() is { } last)
        {
            Assert.True(watch.Elapsed < within, $"not within {within.TotalSeconds} s: {goal}; {last}");
            await Task.Delay(BetweenLooks, TestContext.Current.CancellationToken);
        }
    }
}
