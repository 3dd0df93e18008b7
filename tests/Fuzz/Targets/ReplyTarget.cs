using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Fuzz.Hosting;
using Kv.Fuzz.Inputs;
using Kv.Node.Peers.Wire;
using Microsoft.AspNetCore.Http;
using W = Kv.Wire;

namespace Kv.Fuzz.Targets;

/// <summary>
/// What a peer answers to this node's own calls, through the request that made it ask. An input is the request's line, a line feed, and the answers with their lengths:
/// one to a forwarded request; or the records that are fetched; or a vote, what somebody holds, and a greeting.
/// </summary>
internal sealed class ReplyTarget : IFuzzTarget
{
    private const int MostInputsOfOneNode = 2000;

    private readonly ReplyKind _kind;
    private FalsePeer _peer;
    private FuzzNode _node;
    private MessageInputs _messages;
    private int _handed;

    private ReplyTarget(ReplyKind kind, FalsePeer peer, FuzzNode node)
    {
        (_kind, _peer, _node) = (kind, peer, node);
        _messages = MessagesOf(node);
    }

    public static async Task<ReplyTarget> OpenAsync(ReplyKind kind)
    {
        var peer = new FalsePeer();
        return new(kind, peer, await OpenNodeAsync(kind, peer));
    }

    public byte[] Generate(Random random, Corpus corpus)
    {
        if (random.OneIn(8) && corpus.Pick(random) is { } known) return Mutation.Of(random, known, corpus.Pick(random));
        using var input = new MemoryStream();
        input.Write(Encoding.ASCII.GetBytes($"{Line(random)}\n"));
        Span<byte> length = stackalloc byte[4];
        foreach (var answer in Answers(random))
        {
            var bytes = _messages.Bytes(random, answer);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            input.Write(length);
            input.Write(bytes);
        }

        return input.ToArray();
    }

    public async ValueTask<string> RunAsync(byte[] input)
    {
        if (_node.HasEnded || ++_handed % MostInputsOfOneNode == 0) await BeginAnewAsync();
        var end = input.AsSpan().IndexOf((byte)'\n');
        var line = Encoding.ASCII.GetString(input.AsSpan(0, Math.Max(end, 0))).Split(' ');
        if (line is not [{ Length: > 0 } method, ['/', ..] target] || !method.All(char.IsAsciiLetter)) return "no request";
        var answers = Split(input.AsSpan(end + 1));
        // A stream that breaks takes a while to be opened again; one in some is enough.
        if (_kind is ReplyKind.Forwarding && !IsReply(answers.ElementAtOrDefault(0)) && input.Length % 64 != 0) return "no reply";
        _peer.Says = _kind switch
        {
            ReplyKind.Forwarding => new(Forwarding: answers.ElementAtOrDefault(0) ?? []),
            ReplyKind.Records => new(Records: answers.ElementAtOrDefault(0)),
            _ => new(Vote: answers.ElementAtOrDefault(0), Holds: answers.ElementAtOrDefault(1), Hello: answers.ElementAtOrDefault(2)),
        };
        if (_kind is ReplyKind.Records) await BeatAsync();
        var body = method is "PUT" or "DELETE" && !target.StartsWith("/key-value-store/", StringComparison.Ordinal)
            ? $$"""{"socket-address":"{{FuzzNode.Addresses[target.Contains('4', StringComparison.Ordinal) ? 4 : 1]}}","shard-count":2}"""
            : """{"value":1}""";
        var headers = new HeaderDictionary { ContentLength = method is "GET" ? 0 : body.Length };
        if (_kind is ReplyKind.Records) headers["Causal-Metadata"] = TokenOfNext();
        var answer = await _node.AskAsync(new("HTTP/1.1", method, target, headers, method is "GET" ? [] : Encoding.UTF8.GetBytes(body), FuzzNode.RestPort));
        // Values of clients are checked where they enter the cluster, and not once more on their way back: what a false peer puts in one is the client's to find out.
        if (answer.StatusCode == StatusCodes.Status200OK && method is "GET" && _kind is not ReplyKind.Control) return $"{method} 200";
        return RestOracle.Judge(method, target, answer.StatusCode, answer.AnswerHeaders.ContentType.ToString(), answer.Answer, mayBeFull: _kind is ReplyKind.Forwarding);
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private string Line(Random random) => _kind switch
    {
        ReplyKind.Forwarding when random.OneIn(4) => $"GET /key-value-store?prefix={random.Of("", "k", "k1")}&limit={random.Of("1", "100")}",
        ReplyKind.Forwarding => random.Of("GET", "PUT", "DELETE") is var method && random.OneIn(5) ? "GET /key-value-store-shard/shard-id-key-count/1" : $"{method} {ElsewhereKey(random)}",
        ReplyKind.Records => $"GET /key-value-store/k{random.Next(20).ToString(CultureInfo.InvariantCulture)}",
        _ => random.Of("PUT /key-value-store-view?4", "PUT /key-value-store-view", "DELETE /key-value-store-view", "PUT /key-value-store-shard/add-member/0", "DELETE /key-value-store-shard/reshard", "DELETE /key-value-store-view?4"),
    };

    private IEnumerable<IMessage> Answers(Random random) => _kind switch
    {
        ReplyKind.Forwarding => [Reply(random)],
        ReplyKind.Records => [Records(random)],
        _ => [Vote(random), new W.HoldsReply { From = RpcMethods.Sender(random, _node), Topology = Topology(random) }, new W.HelloReply { From = RpcMethods.Sender(random, _node), Topology = Topology(random), Forming = random.OneIn(2) }],
    };

    private W.ForwardReply Reply(Random random)
    {
        var token = ByteString.CopyFrom(_node.Tokens.Sealed(random));
        var value = ByteString.CopyFromUtf8(random.Of("1", "[1]", "\"x\"", ""));
        return random.Next(6) switch
        {
            5 => new() { Listed = Listed(random, token) },
            0 => new() { Stored = new() { Token = token, Shard = 1, Replicas = (uint)random.Next(4), Deleted = random.OneIn(2), Replaced = random.OneIn(2) } },
            1 => new() { Found = new() { Value = value, Token = token, Version = token, Shard = 1 } },
            2 => new() { Absent = new() { Token = token, Shard = 1 } },
            3 => new() { Counted = new() { LiveKeys = random.Number(), Vector = new(), Group = 1, Epoch = 1 } },
            _ => new() { Refused = new() { Reason = (W.Refusal)random.Next(12), Epoch = random.OneIn(10) ? random.Number() : 1, Missing = new(), Required = (uint)random.Number(), Replicas = (uint)random.Next(3), AheadMs = (long)random.Number(), Shard = 1 } },
        };
    }

    private static W.Listed Listed(Random random, ByteString token)
    {
        var listed = new W.Listed { Token = token, Group = random.OneIn(4) ? (uint)random.Number() : 1, Epoch = random.OneIn(4) ? random.Number() : 1 };
        // In order, as a replica would, or as they come.
        var keys = Enumerable.Range(0, random.Next(6)).Select(_ => new Key(random.OneIn(20) ? random.Bytes(20) : Encoding.UTF8.GetBytes($"k{random.Next(20).ToString(CultureInfo.InvariantCulture)}")));
        foreach (var key in random.OneIn(3) ? keys : keys.Order())
            listed.Keys.Add(new W.ListedKey { Key = ByteString.CopyFrom(key.Utf8.Span), Value = ByteString.CopyFromUtf8(random.Of("1", "[1]", "")), Version = token });
        if (random.OneIn(2)) listed.Through = random.OneIn(10) ? ByteString.CopyFrom(random.Bytes(20)) : listed.Keys.LastOrDefault()?.Key ?? ByteString.CopyFromUtf8("k3");
        return listed;
    }

    private W.RecordBatch Records(Random random)
    {
        var batch = new W.RecordBatch();
        var next = Next();
        batch.Records.Add(new W.WriteRecord
        {
            Key = ByteString.CopyFromUtf8($"k{random.Next(20).ToString(CultureInfo.InvariantCulture)}"),
            Value = ByteString.CopyFromUtf8("1"),
            Stamp = TokenInputs.Stamp(random).Packed,
            Dot = new() { Incarnation = next.Origin.Incarnation.Value, Sequence = next.Sequence },
            Token = ByteString.CopyFrom(_node.Tokens.Codec.Seal(_node.Tokens.Token(random))),
        });
        if (random.OneIn(4)) batch.Gaps.Add(new W.Gap { After = random.Number(), Through = new() { Incarnation = FuzzNode.Incarnations[3].Value, Sequence = random.Number() } });
        return batch;
    }

    private W.VoteReply Vote(Random random)
    {
        var vote = new W.VoteReply { From = RpcMethods.Sender(random, _node), Ballot = new() { Round = random.Number(), Proposer = 1 } };
        switch (random.Next(7))
        {
            case 0 or 1:
                vote.Promised = new() { AcceptedAt = random.OneIn(2) ? null : new() { Round = random.Number(), Proposer = random.Number() }, Accepted = random.OneIn(2) ? "" : Topology(random) };
                break;
            case 2:
                vote.Voted = random.Number();
                break;
            case 3:
                vote.Outbid = new() { Round = random.OneIn(2) ? (ulong)random.Next(5) : random.Number(), Proposer = random.Number() };
                break;
            case 4:
                vote.Behind = Topology(random);
                break;
            case 5:
                vote.Conflict = new() { Epoch = random.Number(), Known = random.Number(), Other = random.Number() };
                break;
            default:
                vote.NoVote = (W.NoVote)random.Next(4);
                break;
        }

        return vote;
    }

    private string Topology(Random random) => random.OneIn(2) ? _node.TopologyText : _node.Topologies.Text(random);

    // The peer's next write: what a client has seen of it, and this node has not.
    private Dot Next()
    {
        var origin = new Origin(FuzzNode.Incarnations[2], new(0));
        return new(origin, _node.Current.Vector[origin] is var last && last > ulong.MaxValue - 2 ? last : last + 1);
    }

    private string TokenOfNext() => System.Buffers.Text.Base64Url.EncodeToString(_node.Tokens.Codec.Seal(CausalToken.None with { Dependencies = VersionVector.Of(Next()) }));

    // The peer is alive and says that it is whole.
    private async Task BeatAsync()
    {
        var beat = new W.Heartbeat
        {
            Sender = new() { Cluster = _node.Self.Cluster.Value, Address = FuzzNode.Addresses[1].ToString(), Incarnation = FuzzNode.Incarnations[1].Value },
            Epoch = _node.Current.Epoch.Value,
            SentUnixMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
            Ready = true,
            Complete = true,
            Place = 0,
        }.ToByteArray();
        await _node.AskAsync(new("HTTP/2", "POST", "/kv.v1.Membership/Exchange", new HeaderDictionary { ["Content-Type"] = "application/grpc" }, [0, 0, 0, 0, (byte)beat.Length, .. beat], FuzzNode.PeerPort));
    }

    private static string ElsewhereKey(Random random)
    {
        while (true)
        {
            var key = $"k{random.Next(100).ToString(CultureInfo.InvariantCulture)}";
            if (HashRing.For(2).OwnerOf(new Key(key).Position).Value == 1) return $"/key-value-store/{key}";
        }
    }

    private static bool IsReply(byte[]? bytes)
    {
        try
        {
            return bytes is not null && W.ForwardReply.Parser.ParseFrom(bytes).ToDomain() is not null;
        }
        catch (Exception wrong) when (wrong is InvalidProtocolBufferException or WireFormatException)
        {
            return false;
        }
    }

    private static List<byte[]> Split(ReadOnlySpan<byte> answers)
    {
        var split = new List<byte[]>();
        while (answers.Length >= 4 && BinaryPrimitives.ReadInt32BigEndian(answers) is >= 0 and var length && length <= answers.Length - 4)
        {
            split.Add(answers.Slice(4, length).ToArray());
            answers = answers[(4 + length)..];
        }

        return split;
    }

    private async Task BeginAnewAsync()
    {
        await _node.DisposeAsync();
        _peer = new();
        _node = await OpenNodeAsync(_kind, _peer);
        _messages = MessagesOf(_node);
    }

    private static Task<FuzzNode> OpenNodeAsync(ReplyKind kind, FalsePeer peer) => FuzzNode.OpenAsync(2, kind is ReplyKind.Forwarding ? 2 : 1, isSealed: true, peer);

    private static MessageInputs MessagesOf(FuzzNode node) => new(node.Self.Cluster, node.Tokens, node.Topologies, FuzzNode.Addresses, FuzzNode.Incarnations);
}
