namespace Kv.Node.Storage;

/// <summary>
/// What is on the disk is not what was written there: something acknowledged is missing or changed. To start again does not help; to be filled anew by the peers does. The message is one
/// line that says which file or row, and what was found.
/// </summary>
internal sealed class StorageDamagedException(string message, Exception? inner = null) : StorageFailedException(message, inner);
