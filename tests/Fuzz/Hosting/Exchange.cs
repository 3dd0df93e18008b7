using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kv.Fuzz.Hosting;

/// <summary>One request and its answer, as a server gives them to the application and gets them back.</summary>
internal sealed class Exchange
    : IHttpRequestFeature, IHttpResponseFeature, IHttpResponseBodyFeature, IHttpResponseTrailersFeature, IHttpRequestLifetimeFeature, IHttpConnectionFeature
{
    private readonly MemoryStream _answer = new();
    private readonly List<(Func<object, Task> Callback, object State)> _starting = [];
    private readonly List<(Func<object, Task> Callback, object State)> _completed = [];
    private readonly CancellationTokenSource _aborted = new();

    /// <param name="target">As it stands in the request line, escapes and all.</param>
    public Exchange(string protocol, string method, string target, IHeaderDictionary headers, byte[] body, int localPort)
    {
        (Protocol, Method, RawTarget, Headers, Body, LocalPort) = (protocol, method, target, headers, new MemoryStream(body), localPort);
        var query = target.IndexOf('?', StringComparison.Ordinal);
        QueryString = query < 0 ? "" : target[query..];
        Path = PathString.FromUriComponent(PathOf(query < 0 ? target : target[..query])).Value ?? "";
        Writer = PipeWriter.Create(new StartingStream(this));
        RequestAborted = _aborted.Token;
        Features = new FeatureCollection(8);
        Features.Set<IHttpRequestFeature>(this);
        Features.Set<IHttpResponseFeature>(this);
        Features.Set<IHttpResponseBodyFeature>(this);
        Features.Set<IHttpResponseTrailersFeature>(this);
        Features.Set<IHttpRequestLifetimeFeature>(this);
        Features.Set<IHttpConnectionFeature>(this);
    }

    // As a server does it with a target in absolute form, or with none of its forms.
    private static string PathOf(string target) =>
        target.StartsWith('/') ? target : Uri.TryCreate(target, UriKind.Absolute, out var uri) && uri.AbsolutePath.StartsWith('/') ? uri.AbsolutePath : "";

    public IFeatureCollection Features { get; }

    public string Protocol { get; set; }

    public string Scheme { get; set; } = "http";

    public string Method { get; set; }

    public string PathBase { get; set; } = "";

    public string Path { get; set; }

    public string QueryString { get; set; }

    public string RawTarget { get; set; }

    public IHeaderDictionary Headers { get; set; }

    public Stream Body { get; set; }

    public int StatusCode { get; set; } = StatusCodes.Status200OK;

    public string? ReasonPhrase { get; set; }

    public bool HasStarted { get; private set; }

    public IHeaderDictionary AnswerHeaders { get; private set; } = new HeaderDictionary();

    public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();

    public PipeWriter Writer { get; }

    public CancellationToken RequestAborted { get; set; }

    public string ConnectionId { get; set; } = "fuzz";

    public IPAddress? LocalIpAddress { get; set; } = IPAddress.Loopback;

    public IPAddress? RemoteIpAddress { get; set; } = IPAddress.Loopback;

    public int LocalPort { get; set; }

    public int RemotePort { get; set; } = 1;

    public ReadOnlyMemory<byte> Answer => _answer.GetBuffer().AsMemory(0, (int)_answer.Length);

    Stream IHttpResponseBodyFeature.Stream => Writer.AsStream();

    IHeaderDictionary IHttpResponseFeature.Headers
    {
        get => AnswerHeaders;
        set => AnswerHeaders = value;
    }

    Stream IHttpResponseFeature.Body
    {
        get => Writer.AsStream();
        set => throw new NotSupportedException();
    }

    /// <summary>A server's header of that name or trailer, whichever there is.</summary>
    public string? HeaderOrTrailer(string name) =>
        Trailers.TryGetValue(name, out var trailer) ? trailer.ToString() : AnswerHeaders.TryGetValue(name, out var header) ? header.ToString() : null;

    public void OnStarting(Func<object, Task> callback, object state) => _starting.Add((callback, state));

    public void OnCompleted(Func<object, Task> callback, object state) => _completed.Add((callback, state));

    public void DisableBuffering()
    {
    }

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (HasStarted) return;
        for (var i = _starting.Count - 1; i >= 0; i--) await _starting[i].Callback(_starting[i].State);
        HasStarted = true;
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public async Task CompleteAsync()
    {
        await StartAsync();
        await Writer.FlushAsync();
        foreach (var (callback, state) in _completed) await callback(state);
    }

    public void Abort() => _aborted.Cancel();

    /// <summary>The first byte starts the answer.</summary>
    private sealed class StartingStream(Exchange exchange) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await exchange.StartAsync(cancellationToken);
            exchange._answer.Write(buffer.Span);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => exchange.StartAsync(cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => throw new InvalidOperationException("Servers allow no synchronous writes.");

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
