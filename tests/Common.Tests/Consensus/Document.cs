using System.Collections.Immutable;
using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Tests.Consensus;

/// <summary>A topology reduced to what consensus looks at. Compared by identity: a test makes each document once.</summary>
internal sealed class Document(ulong epoch, string name, ulong parentDigest, params ImmutableArray<Acceptor> acceptors) : IEpochValue
{
    private readonly string _name = name;

    public Epoch Epoch { get; } = new(epoch);

    public ulong Digest { get; } = name.Aggregate(14695981039346656037UL + epoch, (hash, letter) => (hash ^ letter) * 1099511628211);

    public ulong ParentDigest { get; } = parentDigest;

    public ImmutableArray<Acceptor> Acceptors { get; } = acceptors;

    public static NodeAddress Address(int slot) => NodeAddress.Parse($"10.10.0.{slot + 2}:8080");

    public static Acceptor Node(int slot, int generation = 0) => new(Address(slot), new((ulong)(slot + 1 + (0x10 * generation))));

    public static ImmutableArray<Acceptor> Nodes(params IEnumerable<int> slots) => [.. slots.Select(slot => Node(slot))];

    /// <summary>A decided document with these nodes as acceptors.</summary>
    public static Document Parent(int acceptors) => new(5, "parent", 0, Nodes(Enumerable.Range(0, acceptors)));

    /// <summary>What VIEW gives: addresses without incarnations, epoch 1.</summary>
    public static Document Provisional(int members) =>
        new(1, "provisional", 0, [.. Enumerable.Range(0, members).Select(slot => new Acceptor(Address(slot), default))]);

    /// <summary>A successor; with the nodes at the same addresses as acceptors unless others are given.</summary>
    public Document Next(string nextName, params ImmutableArray<Acceptor> nextAcceptors) =>
        new(Epoch.Next.Value, nextName, Digest, nextAcceptors.IsEmpty ? Nodes(Enumerable.Range(0, Math.Min(Acceptors.Length, 7))) : nextAcceptors);

    public override string ToString() => _name;
}
