using Google.Protobuf;
using Google.Protobuf.Reflection;
using Kv.Common.Identity;
using Kv.Fuzz.Inputs;
using Kv.Node.Peers.Wire;
using W = Kv.Wire;

namespace Kv.Fuzz.Targets;

/// <summary>
/// Every message that a peer sends, requests and replies alike, into its domain form and, where it has one, back. The first byte of an input says which it is.
/// </summary>
internal sealed class WireTarget : IFuzzTarget
{
    private static readonly NodeAddress[] Addresses = [.. new[] { "10.10.0.2:8080", "10.10.0.3:8080", "b:65535" }.Select(NodeAddress.Parse)];
    private static readonly Incarnation[] Incarnations = [new(1), new(2), new(3)];
    private static readonly NodeIdentity Self = new(new(0xfeed), Addresses[0], Incarnations[0]);

    private static readonly (MessageDescriptor Type, Action<byte[]> Map)[] Messages =
    [
        (W.Heartbeat.Descriptor, bytes => Map(new HeartbeatCodec(), W.Heartbeat.Parser.ParseFrom(bytes))),
        (W.RecordBatch.Descriptor, bytes => W.RecordBatch.Parser.ParseFrom(bytes).ToDomain().ToWire()),
        (W.RecordBatch.Descriptor, bytes => W.RecordBatch.Parser.ParseFrom(bytes).ToOpening().ToWire(Self)),
        (W.WriteRecord.Descriptor, bytes => W.WriteRecord.Parser.ParseFrom(bytes).ToDomain().ToWire()),
        (W.Acknowledgement.Descriptor, bytes => W.Acknowledgement.Parser.ParseFrom(bytes).ToDomain().ToWire(Self)),
        (W.FetchRequest.Descriptor, bytes => W.FetchRequest.Parser.ParseFrom(bytes).ToDomain().ToWire(Self)),
        (W.ForwardBatch.Descriptor, bytes => W.ForwardBatch.Parser.ParseFrom(bytes).ToDomain().ToWire()),
        (W.ForwardReplyBatch.Descriptor, bytes => W.ForwardReplyBatch.Parser.ParseFrom(bytes).ToDomain().ToWire()),
        (W.TransferRequest.Descriptor, bytes => W.TransferRequest.Parser.ParseFrom(bytes).ToDomain().ToWire(Self)),
        (W.TransferPiece.Descriptor, bytes => W.TransferPiece.Parser.ParseFrom(bytes).ToDomain().ToWire()),
        (W.BackupRequest.Descriptor, bytes => W.BackupRequest.Parser.ParseFrom(bytes).ToDomain().ToWire(Self)),
        (W.BackupPiece.Descriptor, bytes => W.BackupPiece.Parser.ParseFrom(bytes).ToDomain().ToWire()),
        (W.PrepareRequest.Descriptor, bytes => W.PrepareRequest.Parser.ParseFrom(bytes).ToDomain()),
        (W.AcceptRequest.Descriptor, bytes => W.AcceptRequest.Parser.ParseFrom(bytes).ToDomain()),
        (W.LearnRequest.Descriptor, bytes => W.LearnRequest.Parser.ParseFrom(bytes).ToDomain()),
        (W.VoteReply.Descriptor, bytes => W.VoteReply.Parser.ParseFrom(bytes).ToDomain().ToVote(Self)),
        (W.HoldsReply.Descriptor, bytes => W.HoldsReply.Parser.ParseFrom(bytes).ToDomain().ToHolds()),
        (W.HelloReply.Descriptor, bytes => W.HelloReply.Parser.ParseFrom(bytes).ToDomain().ToHello()),
        (W.GetTopologyReply.Descriptor, bytes => W.GetTopologyReply.Parser.ParseFrom(bytes).ToDiscoveryAnswer(Addresses[0])),
        (W.Sender.Descriptor, bytes => W.Sender.Parser.ParseFrom(bytes).ToDomain().ToWire()),
        (W.ReadRequest.Descriptor, bytes => W.ReadRequest.Parser.ParseFrom(bytes).Sender.ToDomain()),
        (W.HelloRequest.Descriptor, bytes => W.HelloRequest.Parser.ParseFrom(bytes).Sender.ToDomain()),
        (W.ProbeRequest.Descriptor, bytes => W.ProbeRequest.Parser.ParseFrom(bytes).Sender.ToDomain()),
        (W.ProbeReply.Descriptor, bytes => W.ProbeReply.Parser.ParseFrom(bytes)),
    ];

    private readonly MessageInputs _messages;

    public WireTarget()
    {
        var tokens = new TokenInputs(Self.Cluster, Incarnations);
        _messages = new(Self.Cluster, tokens, new(Self.Cluster, Addresses, Incarnations), Addresses, Incarnations);
    }

    public byte[] Generate(Random random, Corpus corpus)
    {
        if (random.OneIn(6) && corpus.Pick(random) is { } known) return Mutation.Of(random, known);
        var kind = random.Next(Messages.Length);
        return [(byte)kind, .. _messages.Bytes(random, _messages.Any(random, Messages[kind].Type))];
    }

    public ValueTask<string> RunAsync(byte[] input) => new(Bounds.Allocating(input.Length, () => Map(input)));

    public ValueTask DisposeAsync() => default;

    private static void Map(HeartbeatCodec codec, W.Heartbeat beat) => codec.ToWire(codec.ToDomain(beat));

    private static string Map(byte[] input)
    {
        if (input.Length == 0 || input[0] >= Messages.Length) return "no message";
        var (type, map) = Messages[input[0]];
        try
        {
            map(input[1..]);
            return $"{type.Name} read";
        }
        catch (InvalidProtocolBufferException)
        {
            return $"{type.Name} is no message";
        }
        catch (WireFormatException refused)
        {
            return $"{type.Name}: {Bounds.Shape(refused.Message)}";
        }
    }
}
