using System.Globalization;
using System.Text;

namespace Kv.Fuzz.Inputs;

/// <summary>JSON, and what is nearly JSON.</summary>
internal static class JsonInputs
{
    // The reader's bound is 256; a little below and above it, and far above.
    private static readonly int[] Depths = [2, 254, 255, 256, 257, 5000];

    /// <summary>An object with these members, in any order, some of them twice, and others that nobody knows.</summary>
    public static string Body(Random random, params ReadOnlySpan<(string Name, string Value)> members)
    {
        var text = new StringBuilder(random.OneIn(60) ? "\ufeff{" : "{");
        var written = 0;
        void Member(string name, string value) => text.Append(written++ == 0 ? "" : random.OneIn(100) ? ";" : ",").Append(Spaces(random)).Append(name).Append(random.OneIn(100) ? "" : ":").Append(value);
        foreach (var (name, value) in members)
        {
            if (random.OneIn(12)) Member(Name(random), Value(random));
            if (!random.OneIn(12)) Member(Quoted(random, name), value);
            if (random.OneIn(12)) Member(Quoted(random, name), Value(random));
        }

        return text.Append(random.OneIn(60) ? "" : "}").Append(random.OneIn(60) ? Value(random) : Spaces(random)).ToString();
    }

    /// <summary>Any value; one in some is no value at all.</summary>
    public static string Value(Random random, int depth = 0) => random.Next(depth > 6 ? 8 : 12) switch
    {
        0 => random.Of("null", "true", "false", "nul", "True", "NaN", "undefined", ""),
        1 => random.Of("0", "-0", "1e999", "-1e-999", "01", "1.", ".5", "+1", "0x10", "1e", "9223372036854775808", "123456789012345678901234567890.5", "2147483648", "-1"),
        2 => random.Number().ToString(CultureInfo.InvariantCulture),
        3 or 4 => Text(random),
        5 => random.OneIn(50) ? new string('7', random.Next(5000)) : "1",
        6 => random.OneIn(50) ? $"\"{new string('x', random.Next(100_000))}\"" : "\"v\"",
        7 => random.Of("[]", "{}", "\"\"", "[1,]", "{\"a\":1,}", "[1 2]", "/*c*/1", "'a'"),
        8 => $"[{string.Join(',', Enumerable.Range(0, random.Length(40)).Select(_ => Value(random, depth + 1)))}]",
        9 => $"{{{string.Join(',', Enumerable.Range(0, random.Length(20)).Select(_ => $"{Name(random)}:{Value(random, depth + 1)}"))}}}",
        10 when random.OneIn(8) => Deep(random, random.Of(Depths)),
        _ => "\"value\"",
    };

    /// <summary>A string in quotes, with everything that strings can hold and some that they cannot.</summary>
    public static string Text(Random random)
    {
        var text = new StringBuilder("\"");
        for (var left = random.Length(30); left > 0; left--)
        {
            text.Append(random.Of("a", "é", "😀", "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\n", "\\\"", "\\x", "\\u12", "\u0001", "\u007f", "\u2028", "\\/", "/", "%2F", "\ufffd"));
        }

        return text.Append(random.OneIn(40) ? "" : "\"").ToString();
    }

    private static string Name(Random random) => random.Of("\"value\"", "\"causal-metadata\"", "\"socket-address\"", "\"shard-count\"", "\"\"", "\"VALUE\"", "\"va\\u006cue\"", "\"\\ud800\"", "value", "1");

    // The same name, spelt with an escape now and then.
    private static string Quoted(Random random, string name) => random.OneIn(20) ? $"\"\\u{(int)name[0]:x4}{name[1..]}\"" : $"\"{name}\"";

    private static string Spaces(Random random) => random.OneIn(10) ? random.Of(" ", "\t", "\r\n", "\v", "\0", "\u00a0") : "";

    private static string Deep(Random random, int depth) => random.OneIn(2)
        ? new string('[', depth) + new string(']', depth)
        : string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
}
