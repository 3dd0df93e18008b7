using System.Globalization;
using Google.Protobuf;
using Kv.Common.Identity;
using Kv.Fuzz.Hosting;
using Kv.Fuzz.Inputs;
using W = Kv.Wire;

namespace Kv.Fuzz.Targets;

/// <summary>Every method at the peer port: what a well-meaning peer sends there, as a start for those that are not.</summary>
internal static class RpcMethods
{
    private static readonly string[] Digits = ["1", "[1,2]", "\"v\"", "{\"a\":null}"];

    public static readonly Method[] Membership =
    [
        new("/kv.v1.Membership/Exchange", (random, node) => [.. Enumerable.Range(0, 1 + random.Length(3)).Select(_ => Beat(random, node))], 12),
        new("/kv.v1.Membership/Probe", (random, node) => [new W.ProbeRequest { Sender = Sender(random, node), Target = Address(random) }], 4),
        new("/kv.v1.Membership/ListPeers", (_, _) => [new W.ListPeersRequest()], 1),
    ];

    public static readonly Method[] Replication =
    [
        new("/kv.v1.Replication/Broadcast", (random, node) => [Opening(random, node), .. Enumerable.Range(0, random.Length(3)).Select(_ => Batch(random, node))], 10),
        new("/kv.v1.Replication/Fetch", (random, node) => [new W.FetchRequest { Sender = Sender(random, node), Have = Vector(random, node), Want = Vector(random, node) }], 5),
        new("/kv.v1.Replication/GetVector", (_, _) => [new W.GetVectorRequest()], 1),
        new("/kv.v1.Replication/GetRecord", (random, _) => [new W.GetRecordRequest { Key = Key(random) }], 3),
    ];

    public static readonly Method[] Forwarding =
    [
        new("/kv.v1.Forwarding/Exchange", (random, node) => [new W.ForwardBatch { Sender = Sender(random, node) }, .. Enumerable.Range(0, random.Length(3)).Select(_ => Requests(random, node))], 4),
        new("/kv.v1.Forwarding/Forward", (random, node) => [Request(random, node)], 8),
    ];

    public static readonly Method[] Migration = [new("/kv.v1.Migration/Transfer", (random, node) => [Transfer(random, node)], 1)];

    public static readonly Method[] Backup =
    [
        new("/kv.v1.Backup/Collect", (random, node) => [BackupOpening(random, node), .. Enumerable.Range(0, random.Length(4)).Select(_ => BackupStep(random, node))], 6),
        new("/kv.v1.Backup/Describe", (_, _) => [new W.BackupDescribeRequest()], 1),
    ];

    public static readonly Method[] Control =
    [
        new("/kv.v1.ControlPlane/GetTopology", (_, _) => [new W.GetTopologyRequest()], 1),
        new("/kv.v1.ControlPlane/Prepare", (random, node) => [new W.PrepareRequest { Sender = Sender(random, node), Parent = Parent(random, node), Ballot = Ballot(random) }], 6),
        new("/kv.v1.ControlPlane/Accept", (random, node) => [new W.AcceptRequest { Sender = Sender(random, node), Parent = Parent(random, node), Ballot = Ballot(random), Value = Successor(random, node) }], 6),
        new("/kv.v1.ControlPlane/Learn", (random, node) => [new W.LearnRequest { Sender = Sender(random, node), Topology = Successor(random, node) }], 2),
        new("/kv.v1.ControlPlane/Read", (random, node) => [new W.ReadRequest { Sender = Sender(random, node) }], 1),
        new("/kv.v1.ControlPlane/Recover", (random, node) => [Recovery(random, node)], 1),
        new("/kv.v1.ControlPlane/Hello", (random, node) => [new W.HelloRequest { Sender = Sender(random, node) }], 2),
    ];

    /// <summary>A peer that is a member, or the node's own address with somebody else at it.</summary>
    public static W.Sender Sender(Random random, FuzzNode node)
    {
        var at = random.OneIn(20) ? random.Next(FuzzNode.Addresses.Count) : 1;
        return new() { Cluster = node.Self.Cluster.Value, Address = FuzzNode.Addresses[at].ToString(), Incarnation = FuzzNode.Incarnations[at].Value };
    }

    private static W.Heartbeat Beat(Random random, FuzzNode node) => new()
    {
        Sender = random.OneIn(8) ? null : Sender(random, node),
        VectorChanges = random.OneIn(4),
        ReadsChanges = random.OneIn(2),
        Epoch = random.OneIn(10) ? random.Number() : node.Current.Epoch.Value,
        TopologyDigest = random.Number(),
        Vector = Vector(random, node),
        KeyCount = (ulong)random.Next(10),
        SentUnixMs = random.OneIn(4) ? (long)random.Number() : DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        Ready = random.OneIn(2),
        Complete = random.OneIn(2),
        Place = random.OneIn(4) ? (uint)random.Number() : 0,
        Filling = random.OneIn(4) ? new() { Target = (uint)random.Number(), PartsDone = (uint)random.Number(), PartsTotal = (uint)random.Number() } : null,
    };

    private static W.RecordBatch Opening(Random random, FuzzNode node) => new() { Sender = Sender(random, node), Epoch = node.Current.Epoch.Value };

    private static W.RecordBatch Batch(Random random, FuzzNode node)
    {
        var batch = new W.RecordBatch();
        var next = node.Current.Vector[new Origin(FuzzNode.Incarnations[1], new(0))] + 1;
        for (var left = random.Length(6); left > 0; left--) batch.Records.Add(Record(random, node, next++));
        if (random.OneIn(4)) batch.Gaps.Add(new W.Gap { After = next - 1, Through = new() { Incarnation = FuzzNode.Incarnations[1].Value, Sequence = next + (ulong)random.Next(3) } });
        return batch;
    }

    private static W.WriteRecord Record(Random random, FuzzNode node, ulong sequence) => new()
    {
        Key = ByteString.CopyFromUtf8(Key(random)),
        Value = ByteString.CopyFromUtf8(random.Of(Digits)),
        Tombstone = random.OneIn(5),
        Stamp = TokenInputs.Stamp(random).Packed,
        Dot = new() { Incarnation = FuzzNode.Incarnations[random.OneIn(5) ? random.Next(2, 5) : 1].Value, Sequence = random.OneIn(5) ? random.Number() : sequence, Group = random.OneIn(20) ? (uint)random.Number() : 0 },
        Token = ByteString.CopyFrom(node.Tokens.Sealed(random)),
        Skipped = random.OneIn(10) ? random.Number() : 0,
    };

    private static W.VersionVector Vector(Random random, FuzzNode node)
    {
        var vector = new W.VersionVector();
        foreach (var dot in random.OneIn(2) ? node.Current.Vector : node.Tokens.Vector(random))
            vector.Entries.Add(new W.Dot { Incarnation = dot.Origin.Incarnation.Value, Group = dot.Origin.Group.Value, Sequence = random.OneIn(5) ? random.Number() : dot.Sequence });
        return vector;
    }

    private static W.ForwardBatch Requests(Random random, FuzzNode node)
    {
        var batch = new W.ForwardBatch();
        for (var left = random.Length(6); left > 0; left--) batch.Requests.Add(Request(random, node));
        return batch;
    }

    private static W.ForwardRequest Request(Random random, FuzzNode node) => new()
    {
        Id = random.Number(),
        Epoch = random.OneIn(30) ? random.Number() : 1,
        Operation = (W.Operation)random.Next(1, 5),
        Key = ByteString.CopyFromUtf8(Key(random)),
        Value = ByteString.CopyFromUtf8(random.Of(Digits)),
        Token = random.OneIn(2) ? ByteString.Empty : ByteString.CopyFrom(node.Tokens.Sealed(random)),
        WriteConcern = random.OneIn(10) ? (W.WriteConcern)random.Next(4) : W.WriteConcern.Default,
        TimeoutMs = random.OneIn(4) ? (uint)random.Number() : 100,
        Shard = random.OneIn(4) ? (uint)random.Number() : 0,
        Listing = random.OneIn(4) ? Listing(random) : null,
    };

    private static W.Listing Listing(Random random) => new()
    {
        Prefix = random.OneIn(4) ? ByteString.CopyFrom(random.Bytes(4)) : ByteString.CopyFromUtf8(random.Of("", "k", "k1")),
        After = random.OneIn(3) ? ByteString.CopyFromUtf8(Key(random)) : ByteString.CopyFrom(random.Bytes(random.OneIn(4) ? 20 : 0)),
        Through = random.OneIn(3) ? ByteString.CopyFromUtf8(Key(random)) : ByteString.CopyFrom(random.Bytes(random.OneIn(4) ? 20 : 0)),
        MaxKeys = random.OneIn(3) ? (uint)random.Number() : 10,
        MaxBytes = random.OneIn(3) ? (uint)random.Number() : 1000,
        KeysOnly = random.OneIn(2),
    };

    private static W.TransferRequest Transfer(Random random, FuzzNode node)
    {
        var request = new W.TransferRequest { Sender = Sender(random, node), Epoch = random.OneIn(30) ? random.Number() : 1, Source = random.OneIn(10) ? (uint)random.Number() : 0, Have = random.OneIn(10) ? Vector(random, node) : new(), MaxBytes = random.OneIn(3) ? (uint)random.Number() : 1000 };
        var first = 0UL;
        for (var left = random.Length(6); left > 0; left--)
        {
            var last = random.OneIn(3) ? ulong.MaxValue : first + random.Number();
            request.Ranges.Add(new W.Range { First = first, Last = last });
            first = unchecked(last + 1);
        }

        return request;
    }

    private static W.BackupRequest BackupOpening(Random random, FuzzNode node) => new()
    {
        Sender = Sender(random, node),
        Open = new() { Epoch = random.OneIn(30) ? random.Number() : 1, Source = random.OneIn(10) ? (uint)random.Number() : 0 },
    };

    private static W.BackupRequest BackupStep(Random random, FuzzNode node)
    {
        switch (random.Next(4))
        {
            case 0:
                return new() { Pin = new() { Have = random.OneIn(10) ? Vector(random, node) : new() } };
            case 1:
                return new() { Include = new() { Through = random.OneIn(5) ? Vector(random, node) : new() } };
            case 2:
                return new() { Settle = new() { Known = random.OneIn(5) ? Vector(random, node) : new(), Stamp = random.OneIn(2) ? node.Current.Clock.Packed : random.Number() } };
            default:
                var scan = new W.BackupRequest.Types.Scan { DigestOnly = random.OneIn(2) };
                for (var left = random.Length(3); left > 0; left--) scan.Parts.Add(new W.BackupPart { Group = random.OneIn(4) ? (uint)random.Number() : 0, Vector = Vector(random, node) });
                return new() { Scan = scan };
        }
    }

    private static W.RecoverRequest Recovery(Random random, FuzzNode node)
    {
        var request = new W.RecoverRequest { Epoch = node.Current.Epoch.Value };
        request.Survivors.Add(node.Self.Address.ToString());
        for (var left = random.Length(3); left > 0; left--) request.Survivors.Add(Address(random));
        return request;
    }

    private static W.Ballot Ballot(Random random) => new() { Round = random.OneIn(3) ? random.Number() : (ulong)random.Next(1, 10), Proposer = FuzzNode.Incarnations[random.Next(5)].Value };

    private static string Parent(Random random, FuzzNode node) => random.OneIn(4) ? node.Topologies.Text(random) : node.TopologyText;

    // The current one with the next number, and mostly nothing else: a decision that can follow.
    private static string Successor(Random random, FuzzNode node)
    {
        if (random.OneIn(4)) return node.Topologies.Text(random);
        var lines = node.TopologyText.Split('\n').ToList();
        lines[2] = $"epoch {(node.Current.Epoch.Value + 1).ToString(CultureInfo.InvariantCulture)}";
        lines[3] = $"parent {node.TopologyDigest:x16}";
        if (random.OneIn(2)) lines.Insert(lines.Count - 1, $"operation {random.Number():x16}");
        return string.Join('\n', lines);
    }

    private static string Key(Random random) => $"k{random.Next(20).ToString(CultureInfo.InvariantCulture)}";

    private static string Address(Random random) => FuzzNode.Addresses[random.Next(FuzzNode.Addresses.Count)].ToString();

    /// <summary>A method and how often it is called, in relation to the others of its service.</summary>
    internal sealed record Method(string Path, Func<Random, FuzzNode, IReadOnlyList<IMessage>> Messages, int Weight);
}
