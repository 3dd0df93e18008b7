using System.Globalization;
using System.Text;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Fuzz.Inputs;
using Kv.Node.Hosting;
using Microsoft.Extensions.Configuration;

namespace Kv.Fuzz.Targets;

/// <summary>The environment a node is started in, a setting a line. Refused in words, or read; then a node could begin with it.</summary>
internal sealed class OptionsTarget : IFuzzTarget
{
    private static readonly string[] Sections =
    [
        "Requests:CausalWait", "Requests:MaxKeyCharacters", "Requests:AskAfter", "Requests:WriteConcernWait", "Replica:MailboxCapacity", "Replica:FormationGrace", "Replication:AnswerTimeout", "Replication:ReconnectMax",
        "Migration:MaxBytesPerSecond", "Migration:RestartAfter", "Membership:HeartbeatInterval", "Membership:StreamSilenceLimit", "Membership:SuspicionThreshold", "Membership:DeviationCeiling", "Membership:ProbeFreshness",
        "Membership:Window", "Peers:PortOffset", "Peers:KeepAliveDelay", "Topology:ChangeTimeout", "Topology:SealPatience", "Requests:Unknown", "Requests",
    ];

    public byte[] Generate(Random random, Corpus corpus) => random.Next(10) switch
    {
        0 => random.Bytes(100),
        1 when corpus.Pick(random) is { } known => Mutation.Of(random, known),
        _ => Encoding.UTF8.GetBytes(Environment(random)),
    };

    public ValueTask<string> RunAsync(byte[] input) => new(Bounds.Allocating(input.Length, () => Read(Encoding.UTF8.GetString(input))));

    public ValueTask DisposeAsync() => default;

    private static string Read(string environment)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in environment.Split('\n'))
        {
            var equals = line.IndexOf('=');
            if (equals > 0) settings[line[..equals]] = line[(equals + 1)..];
        }

        NodeOptions options;
        try
        {
            options = NodeOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        }
        catch (InvalidOptionsException refused)
        {
            if (refused.Errors.Any(string.IsNullOrWhiteSpace)) throw new BrokenPromiseException("refused without a word");
            if (refused.Message.Contains("   at ", StringComparison.Ordinal)) throw new BrokenPromiseException($"a stack trace: {refused.Message}");
            return string.Join(" | ", refused.Errors.Select(error => Bounds.Shape(error.Length > 900 ? error[..900] : error)).Distinct().Order().Take(3));
        }

        foreach (var node in options.View)
        {
            if (!NodeAddress.Parse(node.ToString()).Equals(node)) throw new BrokenPromiseException($"{node} is another address when read again");
        }

        if (options.ShardCount is not { } shards) return "read, to look for its cluster";
        var genesis = Genesis.Provisional(options.View, shards);
        if (!genesis.Includes(options.SocketAddress)) throw new BrokenPromiseException("a node is not in the cluster it forms");
        return $"read, to form {Math.Min(shards, 4)} shards";
    }

    private static string Environment(Random random)
    {
        var nodes = Enumerable.Range(0, 1 + random.Length(random.OneIn(100) ? 300 : 6)).Select(_ => Address(random)).ToList();
        var lines = new List<string>();
        if (!random.OneIn(8)) lines.Add($"SOCKET_ADDRESS={(random.OneIn(10) ? Address(random) : nodes[0])}");
        if (!random.OneIn(8)) lines.Add($"VIEW={string.Join(random.OneIn(10) ? random.Of(";", " ", ",,", ", ", "\t") : ",", nodes)}");
        if (!random.OneIn(4)) lines.Add($"SHARD_COUNT={(random.OneIn(2) ? random.Next(1, nodes.Count + 1).ToString(CultureInfo.InvariantCulture) : random.Of("0", "-1", "", " ", "+1", "1.0", "１", "2147483648", "0x1", "1e0", "00001"))}");
        if (random.OneIn(4)) lines.Add($"KV_STORAGE={random.Of("memory", "rocksdb", "", "Memory", "disk")}");
        for (var left = random.OneIn(3) ? 1 + random.Length(4) : 0; left > 0; left--) lines.Add($"{random.Of(Sections)}={Setting(random)}");
        return string.Join('\n', lines);
    }

    private static string Setting(Random random) => random.Of(
        "", "0", "-1", "1", "00:00:01", "00:00:00", "-00:00:01", "10675199.02:48:05.4775807", "-10675199.02:48:05.4775808", "9999999999", "NaN", "Infinity", "1e400", "x", "true", "50.00:00:00", "24855", "2147483647", "-2147483648",
        random.Number().ToString(CultureInfo.InvariantCulture));

    private static string Address(Random random) => random.OneIn(4)
        ? random.Of(
            "", ":", ":80", "a", "a:", "a:0", "a:65536", "a:99999999999", "a:-1", "a:+1", "a: 1", "[::1]:80", "[::1%1]:80", "[[::1]]:80", "[1.2.3.4]:80", "::1:80", "1.2.3:80", "01.2.3.4:80", "1.2.3.4.5:80", "256.1.1.1:80",
            "é.example:80", "a_b:80", "-a:80", "a-:80", "a..b:80", "A.B:80", "a.:80", "0.0.0.0:65000", "[::ffff:10.0.0.1]:80", new string('a', 64) + ":1", new string('a', 300) + ":1", "a:80\r", "\u0000:80", "http://a:80", "a:80/x")
        : $"10.10.0.{random.Next(2, 200)}:{random.Of(80, 8080, 64535, 64536, 65535)}";
}
