namespace Kv.Node.Storage;

/// <summary>The disk or the engine failed; the node cannot vouch for its data and must stop.</summary>
internal class StorageFailedException(string message, Exception? inner = null) : Exception(message, inner);
