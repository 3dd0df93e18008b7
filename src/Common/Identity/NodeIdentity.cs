namespace Kv.Common.Identity;

/// <summary>A node as it introduces itself: which cluster, where, and who.</summary>
public sealed record NodeIdentity(ClusterId Cluster, NodeAddress Address, Incarnation Incarnation);
