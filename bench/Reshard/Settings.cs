using System.Globalization;

namespace Kv.ReshardBench;

/// <summary>How many keys of 100 bytes, how many sessions, how long their figures are taken ahead of each reshard, and variables for the nodes.</summary>
internal sealed record Settings(int Keys, int Sessions, TimeSpan Ahead, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>Null when the arguments say nothing that can be done.</summary>
    public static Settings? Parse(string[] args)
    {
        var settings = new Settings(1_000_000, 6, TimeSpan.FromSeconds(8), new Dictionary<string, string>());
        if (args.Length % 2 != 0) return null;
        foreach (var pair in args.Chunk(2))
        {
            var number = int.TryParse(pair[1], NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : -1;
            switch (pair[0])
            {
                case "--keys" when number > 0:
                    settings = settings with { Keys = number };
                    break;
                case "--sessions" when number is >= 0 and <= 1000:
                    settings = settings with { Sessions = number };
                    break;
                case "--seconds" when number is > 0 and <= 600:
                    settings = settings with { Ahead = TimeSpan.FromSeconds(number) };
                    break;
                case "--set" when pair[1].Split('=', 2) is [var name, var value]:
                    settings = settings with { Environment = new Dictionary<string, string>(settings.Environment) { [name] = value } };
                    break;
                default:
                    return null;
            }
        }

        return settings;
    }
}
