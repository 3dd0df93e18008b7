namespace Kv.Simulation.Time;

/// <summary>Code under simulation went on on a thread of its own, where virtual time and the seed have no power over it.</summary>
internal sealed class EscapedContinuationException(string message) : Exception(message);
