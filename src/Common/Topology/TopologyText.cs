using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// A topology as text: what nodes send each other and keep on disk, what its digest is made of, and what a person can read. One fact a line:
/// <code>
/// topology 3
/// cluster 00d5a1…
/// epoch 3
/// parent 8d1f0e2c5b6a7943
/// layout 1
/// layout 2
/// member 10.10.0.2:8080 5f0c2a7b91e4d386
/// acceptor 10.10.0.2:8080 5f0c2a7b91e4d386
/// replica 0 10.10.0.2:8080
/// joining 1 10.10.0.8:8080
/// leaving 0 10.10.0.6:8080
/// reshard 55ee01… 3 1
/// target 0 10.10.0.2:8080
/// target-joining 0 10.10.0.6:8080
/// resharded 44dd02… committed
/// removed 1f0e…
/// operation 77aa0c…
/// </code>
/// One line a layout, with its number of shards or 0 if it is never used, the last one in force: its ring is the one of so many shards (<see cref="HashRing.For"/>). A reshard under way
/// has its id, the epoch it began in and its number of shards, and the nodes of the shards to be. Neither addresses nor numbers hold a space or a line break, so different
/// topologies have different texts; and only the text that <see cref="Write"/> gives is accepted, so equal ones have the same.
/// </summary>
public static class TopologyText
{
    /// <summary>The longest text that is read, characters: some ten thousand nodes.</summary>
    public const int MostCharacters = 1 << 20;

    private const string Format = "3";
    private const string Committed = "committed";
    private const string Cancelled = "cancelled";

    public static string Write(ClusterTopology topology)
    {
        var text = new StringBuilder();
        void Line(string name, string value) => text.Append(name).Append(' ').Append(value).Append('\n');
        Line("topology", Format);
        Line("cluster", topology.Cluster.ToString());
        Line("epoch", topology.Epoch.ToString());
        Line("parent", Hexadecimal(topology.ParentDigest));
        foreach (var shardCount in topology.Layouts) Line("layout", shardCount.ToString(CultureInfo.InvariantCulture));
        foreach (var member in topology.Members) Line("member", $"{member} {topology.IncarnationAt(member)}");
        foreach (var acceptor in topology.Acceptors) Line("acceptor", $"{acceptor.Address} {acceptor.Incarnation}");
        foreach (var shard in topology.Shards)
        {
            foreach (var node in shard.Members) Line("replica", $"{shard.Id} {node}");
            foreach (var node in shard.Joining) Line("joining", $"{shard.Id} {node}");
            foreach (var node in shard.Leaving) Line("leaving", $"{shard.Id} {node}");
        }

        if (topology.Transition is { } transition)
        {
            Line("reshard", string.Create(CultureInfo.InvariantCulture, $"{transition.Id} {transition.Begun} {transition.Shards.Length}"));
            foreach (var shard in transition.Shards)
            {
                foreach (var node in shard.Members) Line("target", $"{shard.Id} {node}");
                foreach (var node in shard.Joining) Line("target-joining", $"{shard.Id} {node}");
            }
        }

        if (topology.LastReshard is { } last) Line("resharded", $"{last.Id} {(last.Committed ? Committed : Cancelled)}");
        foreach (var removed in topology.Removed) Line("removed", removed.ToString());
        foreach (var operation in topology.RecentOperations) Line("operation", operation.ToString());
        return text.ToString();
    }

    /// <summary>Reads what <see cref="Write"/> wrote; throws <see cref="FormatException"/> for anything else.</summary>
    public static ClusterTopology Parse(string text)
    {
        if (text.Length > MostCharacters) throw new FormatException("The topology's text is too long.");
        var lines = new Lines(text);
        if (lines.Single("topology") is not Format and var format) throw new FormatException($"The topology has format {format}, and this build knows {Format}.");
        try
        {
            ImmutableArray<int> layouts = [.. lines.All("layout").Select(line => Count(line[1]))];
            var topology = new ClusterTopology(
                new(Number(lines.Single("cluster"))),
                new(Ordinal(lines.Single("epoch"))),
                lines.All("member").Select(line => new TopologyMember(NodeAddress.Parse(line[1]), new(Number(line[2])))),
                lines.Shards(layouts.LastOrDefault(count => count > 0), "replica", "joining", "leaving"),
                layouts)
            {
                ParentDigest = Number(lines.Single("parent")),
                Acceptors = [.. lines.All("acceptor").Select(line => new Consensus.Acceptor(NodeAddress.Parse(line[1]), new(Number(line[2]))))],
                Transition = lines.All("reshard").Select(line => ReadTransition(line, layouts.Length, lines)).FirstOrDefault(),
                LastReshard = lines.All("resharded").Select(line => new ReshardEnd(new(Number(line[1])), line[2] == Committed)).FirstOrDefault(),
                Removed = [.. lines.All("removed").Select(line => new Incarnation(Number(line[1])))],
                RecentOperations = [.. lines.All("operation").Select(line => new OperationId(Number(line[1])))],
            };
            return Write(topology) == text ? topology : throw new FormatException("The topology's text is not in its one form.");
        }
        catch (Exception wrong) when (wrong is ArgumentException or OverflowException)
        {
            throw new FormatException($"The topology contradicts itself: {wrong.Message}", wrong);
        }
    }

    private static Transition ReadTransition(string[] line, int layout, Lines lines)
    {
        var shardCount = Count(line[3]);
        // Before the ring is made, as for the layout in force.
        if (shardCount > lines.All("target").Count()) throw new ArgumentException("A shard to be has no member.", nameof(line));
        var shards = lines.Shards(shardCount, "target", "target-joining");
        return new(new(Number(line[1])), new(Ordinal(line[2])), layout, HashRing.For(shardCount), shards);
    }

    private static string Hexadecimal(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);

    private static ulong Number(string hexadecimal) => ulong.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static ulong Ordinal(string text) => ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static int Count(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private sealed class Lines(string text)
    {
        // Every line has a name and at least one word, and is looked at up to the third.
        private readonly ILookup<string, string[]> _byName = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => (string[])[.. line.Split(' '), "", "", ""])
            .ToLookup(words => words[0]);

        public string Single(string name) => _byName[name].FirstOrDefault()?[1] ?? throw new FormatException($"The topology does not say its {name}.");

        public IEnumerable<string[]> All(string name) => _byName[name];

        public IEnumerable<ShardMembers> Shards(int count, string members, string joining, string? leaving = null)
        {
            var (served, joined, left) = (NodesOf(members), NodesOf(joining), leaving is null ? null : NodesOf(leaving));
            return Enumerable.Range(0, count).Select(id => new ShardId(id)).Select(id => new ShardMembers(id, [.. served[id.ToString()]])
            {
                Joining = [.. joined[id.ToString()]],
                Leaving = [.. left?[id.ToString()] ?? []],
            });
        }

        private ILookup<string, NodeAddress> NodesOf(string role) => _byName[role].ToLookup(line => line[1], line => NodeAddress.Parse(line[2]));
    }
}
