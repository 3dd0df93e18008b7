namespace Kv.TestSupport;

/// <summary>What a client needs at a secured REST door.</summary>
/// <param name="Authority">Whose certificates it believes; null for cleartext.</param>
/// <param name="ApiKey">Null for none.</param>
public sealed record DoorKeys(TestAuthority? Authority = null, string? ApiKey = null);
