using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Backup;

/// <summary>One key of a backup with its value.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">JSON, as the client sent it.</param>
/// <param name="Stamp">When it was written: less than that of every write that depends on it.</param>
public readonly record struct BackupEntry(Key Key, ReadOnlyMemory<byte> Value, HybridTimestamp Stamp)
{
    /// <summary>About what it takes in a file and in memory, bytes.</summary>
    public int Size => Key.Utf8.Length + Value.Length + 16;
}
