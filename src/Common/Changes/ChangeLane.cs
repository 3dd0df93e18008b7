using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Common.Changes;

/// <summary>One shard's part in a <see cref="ChangeMerge"/>.</summary>
public sealed class ChangeLane
{
    internal ChangeLane(ReplicaGroup group, VersionVector passed) => (Group, Passed) = (group, passed);

    /// <summary>The shard, in the layout by which the lanes were made.</summary>
    public ReplicaGroup Group { get; }

    /// <summary>Of every write that this covers, if its key is the shard's, the effect was passed on.</summary>
    public VersionVector Passed { get; internal set; }

    /// <summary>What the replica that answered last said it holds.</summary>
    public VersionVector Cut { get; internal set; } = VersionVector.Empty;

    /// <summary>What replicas of the shard had said they hold before anybody was asked in this round: all of it was written by then.</summary>
    internal VersionVector ToldBefore { get; set; } = VersionVector.Empty;

    internal Queue<Passage> Waiting { get; } = [];

    internal bool HasAnswered { get; set; }

    internal bool IsWhole { get; set; }

    /// <summary>A replica of the shard said, beside the rounds, that it holds this.</summary>
    public void Hear(VersionVector cut) => Cut = Cut.Join(cut);
}
