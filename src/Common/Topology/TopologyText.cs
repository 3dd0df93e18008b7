using System.Globalization;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// A topology as text: what nodes send each other and keep on disk, what its digest is made of, and what a person can read. One fact a line:
/// <code>
/// topology 2
/// cluster 00d5a1…
/// epoch 3
/// parent 8d1f0e2c5b6a7943
/// ring 2
/// member 10.10.0.2:8080 5f0c2a7b91e4d386
/// acceptor 10.10.0.2:8080 5f0c2a7b91e4d386
/// replica 0 10.10.0.2:8080
/// joining 1 10.10.0.8:8080
/// leaving 0 10.10.0.6:8080
/// removed 1f0e…
/// operation 77aa0c…
/// </code>
/// The ring is the one of so many shards (<see cref="HashRing.For"/>). Neither addresses nor numbers hold a space or a line break, so different
/// topologies have different texts; and only the text that <see cref="Write"/> gives is accepted, so equal ones have the same.
/// </summary>
public static class TopologyText
{
    /// <summary>The longest text that is read, characters: some ten thousand nodes.</summary>
    public const int MostCharacters = 1 << 20;

    private const string Format = "2";

    public static string Write(ClusterTopology topology)
    {
        var text = new StringBuilder();
        void Line(string name, string value) => text.Append(name).Append(' ').Append(value).Append('\n');
        Line("topology", Format);
        Line("cluster", topology.Cluster.ToString());
        Line("epoch", topology.Epoch.ToString());
        Line("parent", Hexadecimal(topology.ParentDigest));
        Line("ring", topology.Shards.Length.ToString(CultureInfo.InvariantCulture));
        foreach (var member in topology.Members) Line("member", $"{member} {topology.IncarnationAt(member)}");
        foreach (var acceptor in topology.Acceptors) Line("acceptor", $"{acceptor.Address} {acceptor.Incarnation}");
        foreach (var shard in topology.Shards)
        {
            foreach (var node in shard.Members) Line("replica", $"{shard.Id} {node}");
            foreach (var node in shard.Joining) Line("joining", $"{shard.Id} {node}");
            foreach (var node in shard.Leaving) Line("leaving", $"{shard.Id} {node}");
        }

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
            var cluster = new ClusterId(Number(lines.Single("cluster")));
            var epoch = new Epoch(ulong.Parse(lines.Single("epoch"), NumberStyles.None, CultureInfo.InvariantCulture));
            var parent = Number(lines.Single("parent"));
            var ring = HashRing.For(int.Parse(lines.Single("ring"), NumberStyles.None, CultureInfo.InvariantCulture));
            var members = lines.All("member").Select(two => new TopologyMember(NodeAddress.Parse(two.First), new(Number(two.Second)))).ToList();
            var acceptors = lines.All("acceptor").Select(two => new Consensus.Acceptor(NodeAddress.Parse(two.First), new(Number(two.Second)))).ToList();
            IEnumerable<NodeAddress> Nodes(string role, ShardId shard) => lines.All(role).Where(two => two.First == shard.ToString()).Select(two => NodeAddress.Parse(two.Second));
            var shards = ring.Shards.Select(id => new ShardMembers(id, [.. Nodes("replica", id)]) { Joining = [.. Nodes("joining", id)], Leaving = [.. Nodes("leaving", id)] });
            var topology = new ClusterTopology(cluster, epoch, members, shards, ring)
            {
                ParentDigest = parent,
                Acceptors = [.. acceptors],
                Removed = [.. lines.All("removed").Select(one => new Incarnation(Number(one.First)))],
                RecentOperations = [.. lines.All("operation").Select(one => new OperationId(Number(one.First)))],
            };
            return Write(topology) == text ? topology : throw new FormatException("The topology's text is not in its one form.");
        }
        catch (Exception wrong) when (wrong is ArgumentException or OverflowException)
        {
            throw new FormatException($"The topology contradicts itself: {wrong.Message}", wrong);
        }
    }

    private static string Hexadecimal(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);

    private static ulong Number(string hexadecimal) => ulong.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private sealed class Lines(string text)
    {
        private readonly ILookup<string, (string First, string Second)> _byName = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .ToLookup(words => words[0], words => (words.Length > 1 ? words[1] : "", words.Length > 2 ? words[2] : ""));

        public string Single(string name) => _byName[name].FirstOrDefault().First ?? throw new FormatException($"The topology does not say its {name}.");

        public IEnumerable<(string First, string Second)> All(string name) => _byName[name];
    }
}
