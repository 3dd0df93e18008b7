using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Node.Storage;

/// <summary>
/// The file that says whose a data directory is, as text that an operator can read:
/// <code>
/// format 2
/// cluster 00000000deadbeef
/// address 10.0.0.2:8082
/// incarnation 5f0c2a7b91e4d386
/// check 8d1f0e2c5b6a7943
/// </code>
/// The last line is the XXH3-64 of the lines before it. The first line alone decides whether this build knows the rest.
/// </summary>
internal static class IdentityFile
{
    /// <summary>The format of the whole data directory that this build knows: this file and the store beside it.</summary>
    public const int Format = 2;

    public static byte[] Write(NodeIdentity identity)
    {
        var lines = $"format {Format}\ncluster {identity.Cluster}\naddress {identity.Address}\nincarnation {identity.Incarnation}\n";
        return Encoding.UTF8.GetBytes(lines + $"check {Check(lines)}\n");
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote. Null when the format is another one, which <paramref name="format"/> then tells; throws
    /// <see cref="FormatException"/> when the file is damaged.
    /// </summary>
    public static NodeIdentity? Read(ReadOnlySpan<byte> content, out int format)
    {
        var text = Encoding.UTF8.GetString(content);
        var lines = text.Split('\n');
        if (!int.TryParse(Field(lines, 0, "format"), NumberStyles.None, CultureInfo.InvariantCulture, out format) || format < 1)
            throw new FormatException("the format is not a number");
        if (format != Format) return null;
        if (lines is not [_, _, _, _, _, ""]) throw new FormatException("it does not have five lines");
        if (Field(lines, 4, "check") != Check(text[..text.LastIndexOf("check", StringComparison.Ordinal)])) throw new FormatException("the check line does not match");
        var incarnation = new Incarnation(Hexadecimal(Field(lines, 3, "incarnation")));
        if (incarnation.IsNone) throw new FormatException("the incarnation is zero");
        return new(new ClusterId(Hexadecimal(Field(lines, 1, "cluster"))), NodeAddress.Parse(Field(lines, 2, "address")), incarnation);
    }

    private static string Field(string[] lines, int line, string name) =>
        line < lines.Length && lines[line].StartsWith(name + " ", StringComparison.Ordinal)
            ? lines[line][(name.Length + 1)..]
            : throw new FormatException($"line {line + 1} is not the {name}");

    private static ulong Hexadecimal(string text) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : throw new FormatException($"'{text}' is not hexadecimal");

    private static string Check(string lines) => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(lines)).ToString("x16", CultureInfo.InvariantCulture);
}
