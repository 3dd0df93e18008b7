using Kv.Common.Identity;
using Kv.Common.Migration;

namespace Kv.Node.Replica;

/// <summary>
/// Names one filling of this replica. A reshard that is cancelled and begun again, or a node that joins anew, is another session, and what an earlier one
/// still brings is refused.
/// </summary>
internal readonly record struct FillSession(ReplicaGroup Target, Epoch Since, uint Attempt)
{
    public static FillSession Of(Fill fill) => new(fill.Target, fill.Since, fill.Attempt);
}
