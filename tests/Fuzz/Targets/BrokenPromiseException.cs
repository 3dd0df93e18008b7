namespace Kv.Fuzz.Targets;

/// <summary>The product answered, and the answer breaks a promise.</summary>
internal sealed class BrokenPromiseException(string what) : Exception(what);
