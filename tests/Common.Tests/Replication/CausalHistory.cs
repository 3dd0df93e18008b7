using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Common.Tests.Replication;

/// <summary>Histories of one group as replicas could make them: each write depends on what its replica had applied.</summary>
internal static class CausalHistory
{
    public static readonly ReplicaGroup Group = new(1, new(1));

    private const int Replicas = 4;

    private static readonly CausalTokenCodec Codec = new([], new(7));

    // One step: a replica catches up with another, then writes. A token may name all that its replica had applied, or only some of it.
    public static readonly Gen<WriteRecord[]> Any = Gen.Select(Gen.Int[0, Replicas - 1], Gen.Int[0, Replicas - 1], Gen.Bool).Array[1, 25].Select(steps =>
    {
        var applied = Enumerable.Repeat(VersionVector.Empty, Replicas).ToArray();
        var history = new List<WriteRecord>();
        foreach (var (writer, source, namesAll) in steps)
        {
            var before = applied[writer] = applied[writer].Join(applied[source]);
            var origin = new Origin(new((ulong)writer + 1), Group);
            var dot = new Dot(origin, before[origin] + 1);
            // Other groups' dots stand in the token too, also those of the writer in a group before, and never hold a record back.
            var past = VersionVector.Of(new Dot(new(new(99), new(1, new(0))), 1000), new Dot(new(origin.Incarnation, new(0, new(1))), 1000), dot);
            foreach (var entry in namesAll ? before : before.Take(1)) past = past.With(entry);
            applied[writer] = before.With(dot);
            var token = Codec.Seal(new(Epoch.First, new((ulong)history.Count + 1), past));
            history.Add(new(new Key($"k{history.Count}"), default, false, new((ulong)history.Count + 1), dot, token));
        }

        return history.ToArray();
    });
}
