using System.Buffers.Text;
using System.Security.Cryptography;

namespace Kv.Node.Security;

/// <summary>
/// An API key as a node knows it: its hash only. Keys are 256 random bits, so nothing can be guessed from a hash however fast it is to compute, and a slow one, made for passwords, would
/// cost every request what it costs a thief.
/// </summary>
internal sealed record ApiKey(string Name, Role Role, byte[] Hash)
{
    // So that whoever finds one in a log or a repository, or a program that looks for such things, knows what it is.
    private const string Prefix = "kv_";
    private const string HashPrefix = "sha256:";
    private const int MaxNameLength = 64;

    /// <summary>A new key, told once, and the line that makes it known.</summary>
    public static (string Key, ApiKey Known) Make(string name, Role role)
    {
        var key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        return (key, new(name, role, SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key))));
    }

    /// <summary>True for what may stand as a name in a line and in a log.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= MaxNameLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@');

    public static bool TryParseRole(string text, out Role role)
    {
        role = text switch { "read" => Role.Read, "write" => Role.Write, "admin" => Role.Admin, _ => default };
        return role != default;
    }

    /// <summary>Null when it is no such line.</summary>
    public static ApiKey? TryParse(string line)
    {
        var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts is not [var name, var roleText, var hashText] || !IsName(name) || !TryParseRole(roleText, out var role)) return null;
        if (!hashText.StartsWith(HashPrefix, StringComparison.Ordinal)) return null;
        var hex = hashText[HashPrefix.Length..];
        return hex.Length == 2 * SHA256.HashSizeInBytes && hex.All(char.IsAsciiHexDigit) ? new(name, role, Convert.FromHexString(hex)) : null;
    }

    /// <summary>The line of a file of keys.</summary>
    public override string ToString() => $"{Name} {Role.ToString().ToLowerInvariant()} {HashPrefix}{Convert.ToHexString(Hash).ToLowerInvariant()}";
}
