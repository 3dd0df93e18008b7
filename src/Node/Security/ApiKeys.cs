using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;

namespace Kv.Node.Security;

/// <summary>The API keys of one version of the file: lines <c>name role sha256:hash</c>; empty lines and those that begin with <c>#</c> say nothing. Immutable.</summary>
internal sealed class ApiKeys
{
    private const int MaxPresentedLength = 256;

    // By the first 8 bytes of the hash; see Find.
    private readonly FrozenDictionary<ulong, ApiKey> _keys;

    private ApiKeys(Dictionary<ulong, ApiKey> keys) => _keys = keys.ToFrozenDictionary();

    public int Count => _keys.Count;

    /// <summary>Throws <see cref="UnusableFileException"/> when any line is wrong: a key that is silently left out may be the one that somebody needs.</summary>
    public static ApiKeys Load(string setting, string path)
    {
        var keys = new Dictionary<ulong, ApiKey>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in SecretFile.Read(setting, path).Split('\n').Select(line => line.Trim()))
        {
            number++;
            if (line.Length == 0 || line.StartsWith('#')) continue;
            var key = ApiKey.TryParse(line) ?? throw new UnusableFileException($"{setting}: line {number} of {path} is not of the form: name read|write|admin sha256:<64 hexadecimal digits>.");
            if (!names.Add(key.Name) || !keys.TryAdd(BinaryPrimitives.ReadUInt64LittleEndian(key.Hash), key))
                throw new UnusableFileException($"{setting}: line {number} of {path} names a key for the second time.");
        }

        return keys.Count > 0 ? new(keys) : throw new UnusableFileException($"{setting}: {path} holds no key, so nobody could do anything.");
    }

    /// <summary>
    /// The key that was presented, or null. How long the search takes may tell something about the first bytes of hashes, of which nobody can make a key; the rest is compared in a time that tells
    /// nothing at all.
    /// </summary>
    public ApiKey? Find(ReadOnlySpan<char> presented)
    {
        if (presented.Length > MaxPresentedLength) return null;
        Span<byte> text = stackalloc byte[MaxPresentedLength * 3];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..Encoding.UTF8.GetBytes(presented, text)], hash);
        return FindHash(hash);
    }

    /// <summary>What this version says of a key that another one knew; null when it does not know it.</summary>
    public ApiKey? Find(ApiKey known) => FindHash(known.Hash);

    private ApiKey? FindHash(ReadOnlySpan<byte> hash) =>
        _keys.TryGetValue(BinaryPrimitives.ReadUInt64LittleEndian(hash), out var key) && CryptographicOperations.FixedTimeEquals(hash, key.Hash) ? key : null;
}
