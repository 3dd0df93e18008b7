using System.Globalization;
using Kv.Fuzz.Targets;

namespace Kv.Fuzz.Runs;

/// <summary>What the command line asks for.</summary>
internal sealed record CommandLine
{
    public const string Usage = """
        --inputs N        how many inputs, all targets together (1000000)
        --target a,b      only these targets
        --seed S          what every input is drawn from (1)
        --minutes M       stop after that time
        --parallel N      rounds at a time (as many as there are processors)
        --round R         with one --target: that round alone, of --seed
        --input HEX       with one --target: that input alone
        """;

    public long Inputs { get; private init; } = 1_000_000;

    public IReadOnlyList<string> Targets { get; private init; } = [.. AllTargets.Names];

    public ulong Seed { get; private init; } = 1;

    public TimeSpan? Limit { get; private init; }

    public int Parallel { get; private init; } = Environment.ProcessorCount;

    public int? Round { get; private init; }

    public byte[]? Input { get; private init; }

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
                line = args[i] switch
                {
                    "--inputs" => line with { Inputs = long.Parse(Value(), CultureInfo.InvariantCulture) },
                    "--target" => line with { Targets = [.. Value().Split(',').Select(Known)] },
                    "--seed" => line with { Seed = ulong.Parse(Value(), CultureInfo.InvariantCulture) },
                    "--minutes" => line with { Limit = TimeSpan.FromMinutes(double.Parse(Value(), CultureInfo.InvariantCulture)) },
                    "--parallel" => line with { Parallel = int.Parse(Value(), CultureInfo.InvariantCulture) },
                    "--round" => line with { Round = int.Parse(Value(), CultureInfo.InvariantCulture) },
                    "--input" => line with { Input = Convert.FromHexString(Value()) },
                    _ => throw new FormatException($"{args[i]} is not known."),
                };
            }

            if ((line.Round is not null || line.Input is not null) && line.Targets.Count != 1) throw new FormatException("--round and --input need one --target.");
        }
        catch (FormatException wrong)
        {
            error = wrong.Message;
            return null;
        }

        return line;
    }

    private static string Known(string name) =>
        AllTargets.Names.Contains(name) ? name : throw new FormatException($"'{name}' is no target; there are {string.Join(", ", AllTargets.Names)}.");
}
