using Kv.Common.Identity;

namespace Kv.Common.Migration;

/// <summary>How far a node is with being filled, as it tells the others.</summary>
/// <param name="Target">What for.</param>
/// <param name="Since">The epoch in which that began.</param>
/// <param name="IsComplete">It holds everything.</param>
/// <param name="PartsDone">How many parts of the ranges it needs have been transferred whole.</param>
/// <param name="PartsTotal">How many there are.</param>
/// <param name="Records">How many records were transferred, repetitions included.</param>
/// <param name="Bytes">Their keys, values and tokens.</param>
public sealed record FillReport(ReplicaGroup Target, Epoch Since, bool IsComplete, int PartsDone, int PartsTotal, long Records, long Bytes);
