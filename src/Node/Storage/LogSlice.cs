using Kv.Common.Replication;

namespace Kv.Node.Storage;

/// <summary>A piece of one origin's log.</summary>
/// <param name="Records">What is logged after where it was asked for, ascending. Sequences that are missing were not for this replica.</param>
/// <param name="Through">Everything up to this sequence is in <paramref name="Records"/>, if it is logged at all.</param>
internal sealed record LogSlice(IReadOnlyList<WriteRecord> Records, ulong Through);
