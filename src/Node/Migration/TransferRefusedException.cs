namespace Kv.Node.Migration;

/// <summary>This node cannot give what a receiver asks for; another one may. The message says why.</summary>
internal sealed class TransferRefusedException(string message) : Exception(message);
