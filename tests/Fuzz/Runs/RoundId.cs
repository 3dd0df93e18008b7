using System.IO.Hashing;
using System.Text;

namespace Kv.Fuzz.Runs;

/// <summary>A round: so many inputs handed to one target, made anew, one after the other. Everything in it is drawn from its name.</summary>
internal sealed record RoundId(string Target, ulong Seed, int Number)
{
    /// <summary>What the round draws from.</summary>
    public ulong Draw => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes($"{Target} {Seed} {Number}"));
}
