using System.Text;
using Kv.Docker.Tests.Scripts;
using Kv.Docker.Tests.Tour;
using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>The README's tour, and what else is shown with curl for the cluster that build.sh starts, typed as it stands there.</summary>
public sealed class TourTests(Cluster cluster) : ClusterScenario(cluster)
{
    [Theory]
    [InlineData("README.md", ReadmeTour.Heading)]
    [InlineData("docs/consistency.md", "## The guarantees, with curl")]
    public async Task Every_command_prints_what_the_page_shows(string page, string heading)
    {
        var steps = ReadmeTour.Read(await File.ReadAllTextAsync(Path.Combine(Repository.Root, page), TestContext.Current.CancellationToken), heading);
        Assert.True(steps.Count > 0, $"{page} has no sh block under '{heading}'");

        // One shell for all, so that a token kept by one step is there for the next. A line that no JSON contains ends each step's output.
        const string EndOfStep = "\u001e";
        var script = new StringBuilder("set -e\n");
        foreach (var step in steps)
        {
            script.Append(step.Commands).Append("\nprintf '\\n\\036'\n");
        }

        var result = await Shell.RunAsync("bash", "-c", script.ToString());
        var outputs = result.Output.Split(EndOfStep)[..^1];
        for (var i = 0; i < outputs.Length; i++)
        {
            if (steps[i].Shown is { } shown)
            {
                AssertAsShown(steps[i].Commands, shown, outputs[i]);
            }
        }

        Assert.True(result.ExitCode == 0, $"step {outputs.Length + 1} failed with {result.ExitCode}:\n{steps[Math.Min(outputs.Length, steps.Count - 1)].Commands}\n{result.Errors}");
    }

    private static void AssertAsShown(string commands, string shown, string output)
    {
        var (shownValues, values) = (JsonExpectation.Values(shown), JsonExpectation.Values(output));
        Assert.True(shownValues.Count == values.Count, $"{commands}\nprinted {values.Count} values, the page shows {shownValues.Count}:\n{output}");
        foreach (var (expected, actual) in shownValues.Zip(values))
        {
            var difference = JsonExpectation.Difference(expected, actual);
            Assert.True(difference is null, $"{commands}\n{difference}");
        }
    }
}
