using RocksDbSharp;

namespace Kv.Node.Storage.RocksDb;

/// <summary>The one translation of what RocksDB says. Its statuses come as text, whose first words are the code.</summary>
internal static class RocksDbFailures
{
    /// <summary>True when the files are not what they were, and false when they merely could not be read or written this time.</summary>
    public static bool IsDamage(RocksDbException failure) =>
        failure.Message.StartsWith("Corruption", StringComparison.Ordinal)
        // A file that the manifest names.
        || failure.Message.StartsWith("IO error: No such file or directory", StringComparison.Ordinal)
        || failure.Message.StartsWith("NotFound", StringComparison.Ordinal);

    /// <summary>The failure that a caller is told of. <paramref name="what"/> begins the sentence.</summary>
    public static StorageFailedException Translate(string what, Exception failure)
    {
        var message = $"{what}: {failure.Message.ReplaceLineEndings(" ")}";
        return failure is InvalidDataException || (failure is RocksDbException native && IsDamage(native)) ? new StorageDamagedException(message, failure) : new StorageFailedException(message, failure);
    }
}
