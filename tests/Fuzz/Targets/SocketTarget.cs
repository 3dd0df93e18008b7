using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kv.Fuzz.Inputs;
using Kv.Node.Hosting;
using Kv.TestSupport;
using Microsoft.AspNetCore.Builder;

namespace Kv.Fuzz.Targets;

/// <summary>
/// Bytes on real connections to a real node over loopback. An input's first byte says which door; the rest is sent as it is, and after a while the connection is closed for sending. What comes
/// back must be answers, and the node must go on serving.
/// </summary>
internal sealed class SocketTarget : IFuzzTarget
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly WebApplication _node;
    private readonly int _port;
    private readonly RestInputs _inputs;
    private readonly HttpClient _probe;

    private SocketTarget(WebApplication node, int port)
    {
        (_node, _port) = (node, port);
        // A new connection each time: it is the door that is asked.
        _probe = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { BaseAddress = new($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
        _inputs = new(new(new(0xfeed), [new(1)]), ["10.10.0.3:8080", "nowhere"]);
    }

    public static async Task<SocketTarget> OpenAsync()
    {
        var port = NodePorts.Take();
        string[] args =
        [
            $"--SOCKET_ADDRESS=127.0.0.1:{port}", $"--VIEW=127.0.0.1:{port}", "--SHARD_COUNT=1", "--KV_STORAGE=memory", "--Logging:LogLevel:Default=None", "--Requests:CausalWait=00:00:00.02",
            "--Topology:AnswerTimeout=00:00:00.05", "--Topology:ChangeTimeout=00:00:00.1", "--Topology:HandOverTimeout=00:00:00.05", "--Topology:FillTimeout=00:00:00.05",
        ];
        var node = await NodeApplication.BuildAsync(args, removedIn: null, new()) ?? throw new InvalidOperationException("The node was told to stop while it started.");
        await node.StartAsync();
        return new(node, port);
    }

    public byte[] Generate(Random random, Corpus corpus)
    {
        if (random.OneIn(6) && corpus.Pick(random) is { } known) return Mutation.Of(random, known);
        if (random.OneIn(4)) return [1, .. Frames(random)];
        return [0, .. random.OneIn(10) ? random.Bytes(300) : OnTheWire(random, _inputs.Request(random))];
    }

    public async ValueTask<string> RunAsync(byte[] input)
    {
        if (input.Length == 0) return "nothing";
        var isPeerDoor = input[0] % 2 == 1;
        var answer = await ExchangeAsync(isPeerDoor ? _port + NodePorts.PeerOffset : _port, input.AsMemory(1));
        if (!isPeerDoor) return Judge(answer);
        // HTTP/2 frames, or nothing.
        if (answer.AsSpan().StartsWith("HTTP/1.1 5"u8)) throw new BrokenPromiseException(Encoding.Latin1.GetString(answer));
        await RequireAliveAsync();
        return $"peer door: {(answer.Length == 0 ? "closed" : "frames")}";
    }

    public async ValueTask DisposeAsync()
    {
        _probe.Dispose();
        await _node.StopAsync();
        await _node.DisposeAsync();
    }

    // The head that a server needs, around a request that is written for none.
    private static byte[] OnTheWire(Random random, byte[] request)
    {
        var end = request.AsSpan().IndexOf("\n\n"u8);
        var body = request[(end + 2)..];
        var head = Encoding.Latin1.GetString(request.AsSpan(0, end)).Split('\n').ToList();
        head[0] += random.OneIn(30) ? random.Of("", " HTTP/1.0", " HTTP/2.0", " HTTP/9.9", " HTTP/1.1 x") : " HTTP/1.1";
        if (!random.OneIn(30)) head.Insert(1, "Host: a");
        if (head.TrueForAll(line => !line.StartsWith("Transfer-Encoding", StringComparison.Ordinal)))
            head.Add($"Content-Length: {(random.OneIn(20) ? random.Of("-1", "x", "99999999999999999999", "1", "2000000") : body.Length.ToString(CultureInfo.InvariantCulture))}");
        else if (!random.OneIn(4)) body = [.. Encoding.ASCII.GetBytes($"{body.Length:x}\r\n"), .. body, .. "\r\n0\r\n\r\n"u8];
        if (random.OneIn(40)) head.Add($"X: {new string('x', random.Next(40_000))}");
        byte[] wire = [.. Encoding.Latin1.GetBytes(string.Join("\r\n", head)), .. "\r\n\r\n"u8, .. body];
        return random.OneIn(6) ? Mutation.Of(random, wire) : wire;
    }

    private static byte[] Frames(Random random)
    {
        var frames = new MemoryStream();
        if (!random.OneIn(8)) frames.Write(Preface);
        for (var left = random.Length(12); left > 0; left--)
        {
            var payload = random.Bytes(random.OneIn(10) ? 20_000 : 40);
            var length = random.OneIn(10) ? random.Next(1 << 24) : payload.Length;
            frames.Write([(byte)(length >> 16), (byte)(length >> 8), (byte)length, (byte)random.Next(12), (byte)random.Next(256), 0, 0, 0, (byte)random.Next(4)]);
            frames.Write(payload);
        }

        return frames.ToArray();
    }

    private static async Task<byte[]> ExchangeAsync(int port, ReadOnlyMemory<byte> bytes)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var read = new MemoryStream();
        try
        {
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync(bytes);
            var reading = stream.CopyToAsync(read);
            // Half a request is waited for as long as its sender might go on, so the sender says at some time that it does not. The server then gives up what it has not answered, so not at once.
            if (await Task.WhenAny(reading, Task.Delay(Patience)) != reading) socket.Shutdown(SocketShutdown.Send);
            await reading;
        }
        catch (Exception reset) when (reset is IOException or SocketException)
        {
            // Whoever sends what nobody reads is cut off, as the node may.
        }

        return read.ToArray();
    }

    private static string Judge(byte[] answer)
    {
        var text = Encoding.UTF8.GetString(answer);
        if (text.Length == 0) return "closed";
        // Requests after the first one are only looked at for failures.
        var outcome = "";
        for (var at = 0; at >= 0 && at < text.Length; at = text.IndexOf("HTTP/1.1 ", at + 1, StringComparison.Ordinal))
        {
            if (!int.TryParse(text.AsSpan(at + 9, Math.Min(3, text.Length - at - 9)), CultureInfo.InvariantCulture, out var status)) continue;
            if (status >= 500 && status is not (503 or 505)) throw new BrokenPromiseException($"answers {status}: {text[at..Math.Min(text.Length, at + 400)]}");
            if (outcome.Length == 0) outcome = $"answers {status}";
        }

        if (text.Contains("   at ", StringComparison.Ordinal)) throw new BrokenPromiseException($"shows a stack trace: {text}");
        return outcome.Length > 0 ? outcome : throw new BrokenPromiseException($"answers with what is no answer: {text[..Math.Min(text.Length, 200)]}");
    }

    private async Task RequireAliveAsync()
    {
        using var answer = await _probe.GetAsync("/livez");
        if (!answer.IsSuccessStatusCode) throw new BrokenPromiseException($"does not answer any more: {answer}");
    }
}
