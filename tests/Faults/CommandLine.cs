using System.Globalization;
using Kv.Faults.Nemesis;

namespace Kv.Faults;

/// <summary>What the command is asked for.</summary>
/// <param name="OnDocker">Containers, else processes.</param>
/// <param name="Image">Of the containers; null to have it built.</param>
/// <param name="Report">Where the report is written; null for standard output.</param>
/// <param name="Options">What is to be done.</param>
internal sealed record CommandLine(bool OnDocker, string? Image, string? Report, SuiteOptions Options)
{
    public static readonly string Usage = $"""
        usage: Kv.Faults --on docker|processes [--hours H | --minutes M] [--rounds N] [--seed S] [--faults NAME,…] [--image NAME] [--report FILE] [--no-excuses]
          --minutes M     10 by default; no round begins after it
          --faults        of {string.Join(", ", FaultNames.All)};
                          by default all but {string.Join(", ", FaultNames.All.Except(FaultNames.Usual.Select(FaultNames.Of)))}
          --image NAME    the image of the containers; by default kvs-image is built by build.sh
          --no-excuses    holds the cluster to more than it promises: to writes that one replica acknowledged alone, and lost with its disk
        """;

    /// <summary>Null, and why, when it makes no sense.</summary>
    public static CommandLine? Parse(IReadOnlyList<string> arguments, out string error)
    {
        error = "";
        bool? onDocker = null;
        string? image = null, report = null;
        var options = new SuiteOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--no-excuses")
            {
                options = options with { Excuses = false };
                continue;
            }

            if (i + 1 == arguments.Count) return Refuse($"{arguments[i]} needs a value", out error);
            var value = arguments[++i];
            var number = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) && parsed is > 0 and < 1e6 ? parsed : (double?)null;
            switch (arguments[i - 1])
            {
                case "--on" when value is "docker" or "processes":
                    onDocker = value == "docker";
                    break;
                case "--hours" when number is { } hours:
                    options = options with { Duration = TimeSpan.FromHours(hours) };
                    break;
                case "--minutes" when number is { } minutes:
                    options = options with { Duration = TimeSpan.FromMinutes(minutes) };
                    break;
                case "--rounds" when number is { } rounds:
                    options = options with { MostRounds = (int)rounds };
                    break;
                case "--seed" when number is { } seed:
                    options = options with { Seed = (int)seed };
                    break;
                case "--faults":
                    var names = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                    if (names.Length == 0 || names.Any(name => FaultNames.Parse(name) is null)) return Refuse($"--faults {value}: not a list of faults", out error);
                    options = options with { Faults = [.. names.Select(name => FaultNames.Parse(name)!.Value).Distinct()] };
                    break;
                case "--image":
                    image = value;
                    break;
                case "--report":
                    report = value;
                    break;
                default:
                    return Refuse($"{arguments[i - 1]} {value}: not understood", out error);
            }
        }

        return onDocker is { } docker ? new(docker, image, report, options) : Refuse("--on docker or --on processes?", out error);
    }

    private static CommandLine? Refuse(string why, out string error)
    {
        error = why;
        return null;
    }
}
