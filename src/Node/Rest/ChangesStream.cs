using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kv.Common.Causality;
using Kv.Common.Changes;
using Kv.Node.Changes;

namespace Kv.Node.Rest;

/// <summary>Writes a feed as server-sent events.</summary>
internal sealed class ChangesStream(ServerSentEvents events, CausalTokenCodec tokens, ReadOnlyMemory<byte> prefix)
{
    private const int FlushAfter = 32 << 10;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
    private static readonly JsonEncodedText CausalMetadata = JsonEncodedText.Encode("causal-metadata");

    private readonly ArrayBufferWriter<byte> _data = new(1024);

    public void Begin()
    {
        events.Begin();
        Write("retry: 1000\n\n"u8);
    }

    /// <summary>Writes what the feed tells, and flushes whenever it has nothing more to tell at the moment.</summary>
    public async Task WriteAsync(IAsyncEnumerable<ChangeEvent> feed, CancellationToken end)
    {
        await using var told = feed.GetAsyncEnumerator(end);
        var unflushed = 0L;
        while (true)
        {
            var next = told.MoveNextAsync().AsTask();
            if (unflushed > FlushAfter || !next.IsCompleted)
            {
                // The step under way is taken to its end whatever becomes of the connection.
                try
                {
                    if (unflushed > 0) await events.FlushAsync(end);
                }
                catch
                {
                    await Settle(next);
                    throw;
                }

                unflushed = 0;
            }

            if (!await next) break;
            unflushed += Write(told.Current);
        }

        await events.FlushAsync(end);
    }

    /// <summary>Tells the client to come again.</summary>
    public async Task EndAsync(CancellationToken end)
    {
        Write("event: reconnect\ndata: {\"message\":\"Node is stopping\"}\n\n"u8);
        await events.FlushAsync(end);
    }

    /// <summary>Tells the client that it may not go on, as a request that came now would be told.</summary>
    public async Task RefuseAsync(Problem problem, CancellationToken end)
    {
        Write("event: refused\ndata: "u8);
        _data.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_data, Options))
        {
            json.WriteStartObject();
            json.WriteString("error", problem.Title);
            json.WriteString("type", problem.Type);
            json.WriteEndObject();
        }

        Write(_data.WrittenSpan);
        Write("\n\n"u8);
        await events.FlushAsync(end);
    }

    private static async Task Settle(Task step)
    {
        try
        {
            await step;
        }
        catch (OperationCanceledException)
        {
        }
    }

    private long Write(ChangeEvent told)
    {
        switch (told)
        {
            case ChangeEvent.Changed changed:
                return WriteId(changed.Point) + Write(changed.Record.IsTombstone ? "event: delete\ndata: "u8 : "event: put\ndata: "u8) + WriteChange(changed) + Write("\n\n"u8);
            case ChangeEvent.Checkpoint checkpoint:
                return WriteId(checkpoint.Point) + Write("event: checkpoint\ndata: {}\n\n"u8);
            case ChangeEvent.Snapshot { IsAll: true }:
                return Write("event: snapshot\ndata: {\"all\":true}\n\n"u8);
            case ChangeEvent.Snapshot:
                return Write("event: snapshot\ndata: {\"all\":false}\n\n"u8);
            case ChangeEvent.Idle idle:
                return Write(Encoding.UTF8.GetBytes($": {idle.Reason}\n\n"));
            case ChangeEvent.Reset reset:
                // An empty id takes back the last one, so that whoever connects again by itself begins anew.
                return Write("id:\nevent: reset\ndata: {\"error\":\"Resume point is too old\",\"type\":\"/problems/resume-point-too-old\",\"message\":"u8)
                    + Write(reset.IsOutrun ? "\"Snapshot took longer than the log was kept\"}\n\n"u8 : "\"Deletions since then may be forgotten\"}\n\n"u8);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private long WriteId(ResumePoint? point) => point is null ? 0 : Write(Encoding.ASCII.GetBytes($"id: {point.ToText(tokens, prefix.Span)}\n"));

    private long WriteChange(ChangeEvent.Changed changed)
    {
        _data.ResetWrittenCount();
        using var json = new Utf8JsonWriter(_data, Options);
        json.WriteStartObject();
        json.WriteString("key", changed.Record.Key.Utf8.Span);
        if (!changed.Record.IsTombstone)
        {
            json.WritePropertyName("value");
            json.WriteRawValue(OnOneLine(changed.Record.Value.Span), skipInputValidation: true);
        }

        JsonAnswer.Token(json, Version, changed.Record.Token.Span);
        JsonAnswer.Token(json, CausalMetadata, changed.Record.Token.Span);
        json.WriteString("shard-id", changed.Shard.ToString());
        json.WriteEndObject();
        json.Flush();
        return Write(_data.WrittenSpan);
    }

    // A line break ends the data of an event. In JSON it can stand only where a space can.
    private static ReadOnlySpan<byte> OnOneLine(ReadOnlySpan<byte> value)
    {
        if (value.IndexOfAny((byte)'\n', (byte)'\r') < 0) return value;
        var line = value.ToArray();
        line.AsSpan().Replace((byte)'\n', (byte)' ');
        line.AsSpan().Replace((byte)'\r', (byte)' ');
        return line;
    }

    private int Write(ReadOnlySpan<byte> bytes)
    {
        events.Write(bytes);
        return bytes.Length;
    }
}
