namespace Kv.Node.Peers.Wire;

/// <summary>A well-formed protobuf message that no node of this kind sends.</summary>
internal sealed class WireFormatException(string message) : Exception(message);
