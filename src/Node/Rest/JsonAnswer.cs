using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Kv.Node.Rest;

/// <summary>Writes one JSON object as the whole answer, straight into the connection's buffer.</summary>
internal static class JsonAnswer
{
    public const string PlainJson = "application/json";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static Buffers? _buffers;

    public static Task WriteAsync<TState>(HttpContext context, int status, TState state, Action<Utf8JsonWriter, TState> write, string contentType = PlainJson)
    {
        // Taken while in use, because nothing forbids a continuation to run here before this one is done.
        var buffers = _buffers ?? new();
        _buffers = null;
        buffers.Writer.WriteStartObject();
        write(buffers.Writer, state);
        buffers.Writer.WriteEndObject();
        buffers.Writer.Flush();

        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = buffers.Bytes.WrittenCount;
        response.BodyWriter.Write(buffers.Bytes.WrittenSpan);
        buffers.Reset();
        _buffers = buffers;
        return response.BodyWriter.FlushAsync().AsTask();
    }

    public static void Token(Utf8JsonWriter json, JsonEncodedText name, ReadOnlySpan<byte> @sealed)
    {
        Span<byte> text = @sealed.Length <= 768 ? stackalloc byte[1024] : new byte[Base64Url.GetEncodedLength(@sealed.Length)];
        Base64Url.EncodeToUtf8(@sealed, text, out _, out var length);
        json.WriteString(name, text[..length]);
    }

    private sealed class Buffers
    {
        private const int KeepAtMost = 64 << 10;

        public Buffers() => Writer = new(Bytes, Options);

        public ArrayBufferWriter<byte> Bytes { get; private set; } = new(1024);

        public Utf8JsonWriter Writer { get; }

        public void Reset()
        {
            // One large answer must not pin a large buffer to this thread for ever.
            if (Bytes.Capacity > KeepAtMost) Bytes = new(1024);
            else Bytes.ResetWrittenCount();
            Writer.Reset(Bytes);
        }
    }
}
