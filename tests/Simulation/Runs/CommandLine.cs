using System.Globalization;
using Kv.Simulation.Faults;
using Kv.Simulation.Mutants;

namespace Kv.Simulation.Runs;

/// <summary>What the command line asks for.</summary>
internal sealed record CommandLine
{
    public const string Usage = """
        --seeds A..B      the seeds to run (1..500)
        --minutes M       stop after that time
        --faults a,b      only these kinds of faults
        --parallel N      simulations at a time (as many as there are processors)
        --replay SEED     run one seed, shorten it if it fails, and print what happened
        --mutant NAME     with --replay or --seeds: run this mutant instead of the product
        --mutants         run every mutant, or the one of --mutant, over the seeds until one catches it
        --least N         with --mutants: over the first N seeds in any case, and on only if none of them caught it
        --check-speed N   how long the checkers take for a made-up history of N operations
        """;

    public int First { get; private init; } = 1;

    public int Last { get; private init; } = 500;

    public TimeSpan? Limit { get; private init; }

    public IReadOnlySet<FaultKind>? Faults { get; private init; }

    public int Parallel { get; private init; } = Environment.ProcessorCount;

    public int? Replay { get; private init; }

    public string? Mutant { get; private init; }

    public bool Mutants { get; private init; }

    public int Least { get; private init; } = 1;

    public int? CheckSpeed { get; private init; }

    /// <summary>Null, and the reason, when it cannot be understood.</summary>
    public static CommandLine? Parse(IReadOnlyList<string> args, out string error)
    {
        var line = new CommandLine();
        error = "";
        try
        {
            for (var i = 0; i < args.Count; i++)
            {
                string Value() => ++i < args.Count ? args[i] : throw new FormatException($"{args[i - 1]} needs a value.");
                int Number() => int.Parse(Value(), CultureInfo.InvariantCulture);
                line = args[i] switch
                {
                    "--seeds" => WithSeeds(line, Value()),
                    "--minutes" => line with { Limit = TimeSpan.FromMinutes(double.Parse(Value(), CultureInfo.InvariantCulture)) },
                    "--faults" => line with { Faults = Value().Split(',').Select(Fault).ToHashSet() },
                    "--parallel" => line with { Parallel = Number() },
                    "--replay" => line with { Replay = Number() },
                    "--mutant" => line with { Mutant = KnownMutant(Value()) },
                    "--mutants" => line with { Mutants = true },
                    "--least" => line with { Least = Number() },
                    "--check-speed" => line with { CheckSpeed = Number() },
                    _ => throw new FormatException($"{args[i]} is not known."),
                };
            }
        }
        catch (FormatException wrong)
        {
            error = wrong.Message;
            return null;
        }

        return line;
    }

    private static CommandLine WithSeeds(CommandLine line, string range)
    {
        var ends = range.Split("..");
        var first = int.Parse(ends[0], CultureInfo.InvariantCulture);
        return line with { First = first, Last = ends.Length > 1 ? int.Parse(ends[1], CultureInfo.InvariantCulture) : first };
    }

    private static FaultKind Fault(string name) =>
        FaultNames.TryParse(name, out var kind) ? kind : throw new FormatException($"'{name}' is no fault; there are {string.Join(", ", Enum.GetValues<FaultKind>().Select(FaultNames.NameOf))}.");

    private static string KnownMutant(string name) =>
        AllMutants.Names.Contains(name) ? name : throw new FormatException($"'{name}' is no mutant; there are {string.Join(", ", AllMutants.Names)}.");
}
