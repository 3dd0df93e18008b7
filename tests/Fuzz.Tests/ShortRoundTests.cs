using Kv.Fuzz.Runs;
using Kv.Fuzz.Targets;

namespace Kv.Fuzz.Tests;

/// <summary>A few thousand inputs for every target, the same each time; the program itself is for more.</summary>
public sealed class ShortRoundTests(ITestOutputHelper output)
{
    private const int Inputs = 12_000;

    [Fact]
    public async Task Nothing_that_is_sent_makes_a_node_fail()
    {
        var figures = await FuzzRun.RunAsync([.. AllTargets.Names], Inputs, seed: 1, Environment.ProcessorCount);
        foreach (var line in figures.Lines()) output.WriteLine(line);
        Assert.True(figures.Failures.Count == 0, string.Join('\n', figures.Failures.SelectMany(failure => failure.Lines())));
        // Whoever is refused at the threshold, always for the same reason, has tested nothing. What is had beyond that differs with time where a node waits for its peer.
        Assert.All(AllTargets.Names, name => Assert.True(figures.OutcomesOf(name) >= 3, $"{name} has {figures.OutcomesOf(name)} outcomes"));
    }
}
