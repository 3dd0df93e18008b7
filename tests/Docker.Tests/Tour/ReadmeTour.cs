namespace Kv.Docker.Tests.Tour;

/// <summary>One step of the tour: commands, and the JSON that they print, if the README shows it.</summary>
internal sealed record TourStep(string Commands, string? Shown);

/// <summary>
/// Reads the tour out of a README: in the section headed "## A tour with curl", or another one, each <c>```sh</c> block is a step, and a
/// <c>```json</c> block after it shows what it prints. Text and blocks of other languages between them are for the reader.
/// </summary>
internal static class ReadmeTour
{
    public const string Heading = "## A tour with curl";

    public static IReadOnlyList<TourStep> Read(string markdown, string heading = Heading)
    {
        var steps = new List<TourStep>();
        var (inSection, language, block) = (false, (string?)null, new List<string>());
        foreach (var line in markdown.Split('\n').Select(line => line.TrimEnd()))
        {
            if (language is null && line.StartsWith("## ", StringComparison.Ordinal))
            {
                inSection = line == heading;
            }
            else if (language is null && line.StartsWith("```", StringComparison.Ordinal))
            {
                language = line[3..];
            }
            else if (language is not null && line == "```")
            {
                if (inSection)
                {
                    Add(steps, language, string.Join('\n', block));
                }

                language = null;
                block.Clear();
            }
            else if (language is not null)
            {
                block.Add(line);
            }
        }

        return steps;
    }

    private static void Add(List<TourStep> steps, string language, string text)
    {
        if (language == "sh")
        {
            steps.Add(new TourStep(text, null));
        }
        else if (language == "json")
        {
            if (steps is not [.., { Shown: null }])
            {
                throw new FormatException($"this json block of the README does not follow a sh block:\n{text}");
            }

            steps[^1] = steps[^1] with { Shown = text };
        }
    }
}
