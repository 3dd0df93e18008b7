namespace Kv.Node.Storage;

/// <summary>The data directory is not one that this node may use; the message is one line that says why and what to do. The node does not start.</summary>
internal sealed class DataDirectoryRefusedException(string message, Exception? inner = null) : Exception(message, inner);
