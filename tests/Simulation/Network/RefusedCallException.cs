namespace Kv.Simulation.Network;

/// <summary>The door does not admit the caller.</summary>
internal sealed class RefusedCallException(string message) : Exception(message);
