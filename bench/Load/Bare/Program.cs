using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

// The ceiling that the store is measured against: what this web server can answer at all. GET from a dictionary, PUT parsed into it, answers of the
// store's size; no durability, no replicas, no causality, no error handling.
const string Prefix = "/key-value-store/";
const string Metadata = "\"causal-metadata\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"version\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"shard-id\":\"0\"";
var foundStart = Encoding.UTF8.GetBytes("{\"message\":\"Retrieved successfully\",\"doesExist\":true,\"value\":");
var foundEnd = Encoding.UTF8.GetBytes($",{Metadata}}}");
var added = Encoding.UTF8.GetBytes($"{{\"message\":\"Added successfully\",\"replaced\":false,{Metadata},\"replicas\":1}}");
var updated = Encoding.UTF8.GetBytes($"{{\"message\":\"Updated successfully\",\"replaced\":true,{Metadata},\"replicas\":1}}");
var values = new ConcurrentDictionary<string, byte[]>();

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Listen(IPAddress.Loopback, int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture));
});
var app = builder.Build();
app.Run(context =>
{
    var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
    if (target == "/metrics") return AnswerAsync(context, StatusCodes.Status200OK, RuntimeMetrics(), default, default);
    if (!target.StartsWith(Prefix, StringComparison.Ordinal)) return AnswerAsync(context, StatusCodes.Status404NotFound, default, default, default);
    var key = target[Prefix.Length..];
    return HttpMethods.IsPut(context.Request.Method) ? PutAsync(context, key)
        : values.TryGetValue(key, out var value) ? AnswerAsync(context, StatusCodes.Status200OK, foundStart, value, foundEnd)
        : AnswerAsync(context, StatusCodes.Status404NotFound, default, default, default);
});
await app.RunAsync();

async Task PutAsync(HttpContext context, string key)
{
    var reader = context.Request.BodyReader;
    var read = await reader.ReadAsync();
    while (!read.IsCompleted)
    {
        reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        read = await reader.ReadAsync();
    }

    var value = ReadValue(read.Buffer);
    reader.AdvanceTo(read.Buffer.End);
    var isNew = values.TryAdd(key, value);
    if (!isNew) values[key] = value;
    await AnswerAsync(context, isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK, isNew ? added : updated, default, default);
}

// The value as it came, with its quotes: the load sends strings only.
static byte[] ReadValue(ReadOnlySequence<byte> body)
{
    var json = new Utf8JsonReader(body);
    while (json.Read())
    {
        if (json.TokenType != JsonTokenType.PropertyName || !json.ValueTextEquals("value"u8)) continue;
        json.Read();
        return body.Slice(json.TokenStartIndex, json.BytesConsumed - json.TokenStartIndex).ToArray();
    }

    throw new InvalidDataException("A body without a value.");
}

static Task AnswerAsync(HttpContext context, int status, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
{
    var response = context.Response;
    response.StatusCode = status;
    response.ContentType = "application/json";
    response.ContentLength = first.Length + second.Length + third.Length;
    response.BodyWriter.Write(first);
    response.BodyWriter.Write(second);
    response.BodyWriter.Write(third);
    return response.BodyWriter.FlushAsync().AsTask();
}

// Under the names that the store's exporter gives them.
static byte[] RuntimeMetrics() => Encoding.UTF8.GetBytes(string.Create(
    System.Globalization.CultureInfo.InvariantCulture,
    $"dotnet_gc_heap_allocated_bytes_total {GC.GetTotalAllocatedBytes()}\ndotnet_gc_pause_time_seconds_total {GC.GetTotalPauseDuration().TotalSeconds}\n"));
