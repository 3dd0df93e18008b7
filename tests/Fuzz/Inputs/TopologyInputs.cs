using System.Globalization;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Fuzz.Inputs;

/// <summary>Texts of topologies: such as a node writes, and with lines swapped, repeated, left out, and changed.</summary>
internal sealed class TopologyInputs(ClusterId cluster, IReadOnlyList<NodeAddress> nodes, IReadOnlyList<Incarnation> incarnations)
{
    public string Text(Random random)
    {
        var lines = Lines(random);
        for (var left = random.OneIn(3) ? 0 : 1 + random.Length(2); left > 0; left--) Change(random, lines);
        var text = string.Join('\n', lines) + "\n";
        return random.OneIn(10) ? Encoding.Latin1.GetString(Mutation.Of(random, Encoding.Latin1.GetBytes(text))) : text;
    }

    private List<string> Lines(Random random)
    {
        var members = nodes.Where(_ => !random.OneIn(4)).Order().ToList();
        if (members.Count == 0) members = [nodes[0]];
        var shards = random.Next(1, members.Count + 1);
        List<string> lines = ["topology 3", $"cluster {cluster}", $"epoch {(random.OneIn(8) ? random.Number() : (ulong)random.Next(5))}", $"parent {(random.OneIn(2) ? 0 : random.Number()):x16}"];
        for (var i = random.Length(4); i > 0; i--) lines.Add($"layout {random.Next(1, 5)}");
        lines.Add($"layout {shards}");
        foreach (var member in members) lines.Add($"member {member} {IncarnationOf(random, member)}");
        foreach (var member in members.Where(_ => !random.OneIn(3))) lines.Add($"acceptor {member} {IncarnationOf(random, member)}");
        for (var shard = 0; shard < shards; shard++)
        {
            var own = members.Where((_, i) => i % shards == shard).ToList();
            foreach (var node in own) lines.Add($"{(node == own[0] ? "replica" : random.Of("replica", "replica", "joining", "leaving"))} {shard} {node}");
        }

        if (random.OneIn(4))
        {
            var target = random.Next(1, members.Count + 1);
            lines.Add($"reshard {random.Number():x16} {random.Next(5)} {target}");
            for (var shard = 0; shard < target; shard++)
            {
                foreach (var node in members.Where((_, i) => i % target == shard)) lines.Add($"target {shard} {node}");
            }
        }

        if (random.OneIn(4)) lines.Add($"resharded {random.Number():x16} {random.Of("committed", "cancelled", "")}");
        for (var i = random.Length(4); i > 0; i--) lines.Add($"removed {(random.OneIn(3) ? incarnations[random.Next(incarnations.Count)].Value : random.Number()):x16}");
        for (var i = random.Length(4); i > 0; i--) lines.Add($"operation {random.Number():x16}");
        return lines;
    }

    private string IncarnationOf(Random random, NodeAddress node)
    {
        var at = nodes.ToList().IndexOf(node);
        return random.OneIn(6) ? $"{random.Number():x16}" : $"{(at < incarnations.Count ? incarnations[at] : new Incarnation(7))}";
    }

    private static void Change(Random random, List<string> lines)
    {
        var at = random.Next(lines.Count);
        var other = random.Next(lines.Count);
        switch (random.Next(8))
        {
            case 0:
                lines.RemoveAt(at);
                if (lines.Count == 0) lines.Add("");
                break;
            case 1:
                lines.Insert(other, lines[at]);
                break;
            case 2:
                (lines[at], lines[other]) = (lines[other], lines[at]);
                break;
            case 3:
                lines[at] = Reworded(random, lines[at]);
                break;
            case 4:
                lines.Add($"layout {random.Of("0", "1", "4096", "4095", "4097", "2147483647", "2147483648", "-1", "", "999999999999999999999")}");
                break;
            case 5:
                lines.Add($"reshard {random.Number():x16} {random.Number()} {random.Of("0", "1", "2", "4096", "4000", "99999")}");
                break;
            case 6 when random.OneIn(30):
                lines.AddRange(Enumerable.Repeat(lines[at], random.Next(20_000)));
                break;
            default:
                lines.Add(random.Of("", " ", "member", "member a:1", "replica 0", "replica x y", "joining 1 10.0.0.9:1", "unknown line", "\r", "topology 4", "resharded"));
                break;
        }
    }

    private static string Reworded(Random random, string line)
    {
        var words = line.Split(' ');
        words[random.Next(words.Length)] = random.Of(
            "", "0", "-1", "x", "ffffffffffffffff", "10000000000000000", "a:1", "A:1", "[::1]:1", "[::ffff:1.2.3.4]:80", "1.2.3.4:65536", "01.2.3.4:1", "é:1", new string('a', 300) + ":1",
            random.Number().ToString(CultureInfo.InvariantCulture), random.Number().ToString("x16", CultureInfo.InvariantCulture));
        return string.Join(' ', words);
    }
}
