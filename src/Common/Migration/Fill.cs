using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Migration;

/// <summary>
/// How far a replica is with becoming one of <paramref name="Target"/>. Immutable; part of what the replica persists with every step, so that it never says
/// less, or more, than what is stored.
/// </summary>
/// <param name="Target">The group it is being filled for.</param>
/// <param name="Since">The first epoch in which others know of it: what they hold from then on reaches it by broadcast.</param>
/// <param name="IsComplete">True once it holds all that the members of its sources held in that epoch.</param>
/// <param name="Attempt">Counts those that were begun anew, because nobody could go on where the one before had come to.</param>
/// <param name="Sources">The groups whose ranges must be transferred, without the replica's own.</param>
public sealed record Fill(ReplicaGroup Target, Epoch Since, bool IsComplete, uint Attempt, ImmutableArray<FillSource> Sources)
{
    /// <summary>True when it is for a place that the replica has already: what comes by broadcast is the place's, and only the scan is the fill's.</summary>
    public bool IsAgain(ReplicaGroup? place) => place == Target;

    /// <summary>The source of that group, or null.</summary>
    public FillSource? Find(ReplicaGroup group)
    {
        foreach (var source in Sources)
        {
            if (source.Group == group) return source;
        }

        return null;
    }

    /// <summary>The same once more, from the beginning.</summary>
    public Fill Anew => this with { IsComplete = false, Attempt = Attempt + 1, Sources = [.. Sources.Select(source => FillSource.Of(source.Group))] };

    /// <summary>The same fill with another state of one of its sources.</summary>
    public Fill With(FillSource source) => this with { Sources = [.. Sources.Select(known => known.Group == source.Group ? source : known)] };
}
