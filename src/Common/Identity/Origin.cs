namespace Kv.Common.Identity;

/// <summary>
/// Who numbers writes: an incarnation as a member of one replica group. After a reshard it numbers anew, under another origin, so all dots of an origin are of
/// one group. Ordered by group, then incarnation.
/// </summary>
public readonly record struct Origin(Incarnation Incarnation, ReplicaGroup Group) : IComparable<Origin>
{
    public int CompareTo(Origin other)
    {
        var byGroup = Group.CompareTo(other.Group);
        return byGroup != 0 ? byGroup : Incarnation.CompareTo(other.Incarnation);
    }

    /// <summary>As in <c>5f0c2a7b91e4d386@0.1</c>.</summary>
    public override string ToString() => $"{Incarnation}@{Group}";
}
