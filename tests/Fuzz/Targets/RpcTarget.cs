using System.Buffers.Binary;
using System.Text;
using Grpc.Core;
using Kv.Fuzz.Hosting;
using Kv.Fuzz.Inputs;
using Microsoft.AspNetCore.Http;

namespace Kv.Fuzz.Targets;

/// <summary>
/// One service at the peer port: the framework's handlers, the wire forms, and what is behind them. An input is the method's path, a line feed, and the messages with their
/// lengths, as they come over the connection.
/// </summary>
internal sealed class RpcTarget : IFuzzTarget
{
    // Something that a node is told, such as a topology of a high number, makes it deaf to much else.
    private const int MostInputsOfOneNode = 2000;

    private static readonly HashSet<StatusCode> Refusals =
    [
        StatusCode.InvalidArgument, StatusCode.NotFound, StatusCode.PermissionDenied, StatusCode.ResourceExhausted, StatusCode.FailedPrecondition, StatusCode.Unimplemented, StatusCode.Unavailable,
    ];

    private readonly RpcMethods.Method[] _methods;
    private readonly ulong _seed;
    private FuzzNode _node;
    private MessageInputs _messages;
    private int _handed;
    private bool _mayStillWrite;

    private RpcTarget(RpcMethods.Method[] methods, ulong seed, FuzzNode node)
    {
        (_methods, _seed, _node) = (methods, seed, node);
        _messages = MessagesOf(node);
    }

    public static async Task<RpcTarget> OpenAsync(RpcMethods.Method[] methods, ulong seed) => new(methods, seed, await OpenNodeAsync(seed));

    public byte[] Generate(Random random, Corpus corpus)
    {
        if (random.OneIn(8) && corpus.Pick(random) is { } known) return Mutation.Of(random, known, corpus.Pick(random));
        var method = Pick(random);
        using var call = new MemoryStream();
        call.Write(Encoding.ASCII.GetBytes(method.Path));
        call.WriteByte((byte)'\n');
        foreach (var message in method.Messages(random, _node)) Frame(random, call, _messages.Bytes(random, message));
        return call.ToArray();
    }

    public async ValueTask<string> RunAsync(byte[] input)
    {
        if (_node.HasEnded || ++_handed % MostInputsOfOneNode == 0) await BeginAnewAsync();
        var end = input.AsSpan().IndexOf((byte)'\n');
        if (end <= 0 || input[0] != '/') return "no call";
        var path = Encoding.ASCII.GetString(input.AsSpan(0, end));
        // Kestrel refuses such a path itself.
        if (path.Contains("%00", StringComparison.Ordinal) || path.Contains('\0', StringComparison.Ordinal)) return "no call";
        var before = _node.Current;
        var wrote = _mayStillWrite;
        var headers = new HeaderDictionary { ["Content-Type"] = "application/grpc", ["te"] = "trailers" };
        var answer = await _node.AskAsync(new("HTTP/2", "POST", path, headers, input[(end + 1)..], FuzzNode.PeerPort));
        // Requests of a stream that has ended may still be at work.
        _mayStillWrite = path.EndsWith("/Exchange", StringComparison.Ordinal);
        await _node.SettleAsync();
        return Judge(answer, path, before, input.AsSpan(end + 1), wrote);
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private string Judge(Exchange answer, string path, FuzzNode.State before, ReadOnlySpan<byte> frames, bool wrote)
    {
        var known = Array.Exists(_methods, method => method.Path == path) ? path : "other";
        if (answer.StatusCode != StatusCodes.Status200OK)
            return answer.StatusCode < 500 ? $"{known} HTTP {answer.StatusCode}" : throw new BrokenPromiseException($"HTTP {answer.StatusCode}");
        if (!int.TryParse(answer.HeaderOrTrailer("grpc-status"), System.Globalization.CultureInfo.InvariantCulture, out var number)) throw new BrokenPromiseException("ends without a status");
        var status = (StatusCode)number;
        var detail = answer.HeaderOrTrailer("grpc-message") ?? "";
        if (detail.Contains("   at ", StringComparison.Ordinal)) throw new BrokenPromiseException($"shows a stack trace: {detail}");
        if (status is not StatusCode.OK) RequireClean(status, detail);
        var now = _node.Current;
        if (status is not (StatusCode.OK or StatusCode.Unavailable) && !wrote && FrameCount(frames) <= 2 && !now.IsAs(before))
            throw new BrokenPromiseException($"refused with {status}, and leaves a trace: {before} became {now}");
        return $"{known} {status} {Bounds.Shape(Uri.UnescapeDataString(detail))}{(answer.Answer.Length > 0 ? ", with an answer" : "")}";
    }

    // Bytes that are no message, or not the length they say, are refused by the framework, in its own words and with its own status.
    private void RequireClean(StatusCode status, string detail)
    {
        if (Refusals.Contains(status)) return;
        if (status is StatusCode.Internal && detail.Length > 0 && !detail.Contains("xception", StringComparison.Ordinal)) return;
        if (status is StatusCode.Unknown && _node.LastDeclared is not null) return;
        throw new BrokenPromiseException($"ends with {status}: {detail}");
    }

    // What does not come to its end counts: what came before it was served.
    private static int FrameCount(ReadOnlySpan<byte> frames)
    {
        var count = 0;
        while (frames.Length >= 5 && BinaryPrimitives.ReadUInt32BigEndian(frames[1..]) is var length && length <= frames.Length - 5)
        {
            frames = frames[(5 + (int)length)..];
            count++;
        }

        return frames.IsEmpty ? count : count + 1;
    }

    // A flag and a length before each message; now and then not its own.
    private static void Frame(Random random, MemoryStream call, byte[] message)
    {
        Span<byte> prefix = [random.OneIn(300) ? (byte)random.Next(3) : (byte)0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], random.OneIn(300) ? (uint)random.Number() : (uint)message.Length);
        call.Write(prefix);
        call.Write(message);
    }

    private RpcMethods.Method Pick(Random random)
    {
        var at = random.Next(_methods.Sum(method => method.Weight));
        return _methods.First(method => (at -= method.Weight) < 0);
    }

    private async Task BeginAnewAsync()
    {
        await _node.DisposeAsync();
        _node = await OpenNodeAsync(_seed);
        _messages = MessagesOf(_node);
        _mayStillWrite = false;
    }

    // Alone with a peer that nobody hears, in one shard or in one each; before the seal, or after it.
    private static Task<FuzzNode> OpenNodeAsync(ulong seed) => FuzzNode.OpenAsync(2, 1 + (int)(seed / 2 % 4 / 3), seed % 2 == 0);

    private static MessageInputs MessagesOf(FuzzNode node) => new(node.Self.Cluster, node.Tokens, node.Topologies, FuzzNode.Addresses, FuzzNode.Incarnations);
}
