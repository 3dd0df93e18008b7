using Kv.Common.Causality;

namespace Kv.Node.Replication;

/// <summary>Asks for log entries that are in <paramref name="Want"/> but not in <paramref name="Have"/>.</summary>
internal sealed record FetchRequest(VersionVector Have, VersionVector Want);
