using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kv.Node.Tests.Rest;

/// <summary>A request whose client reads nothing of the answer, on a connection that holds as good as nothing: a real one holds more than a short test can write.</summary>
internal sealed class UnreadAnswer : IHttpResponseBodyFeature, IHttpRequestLifetimeFeature
{
    private readonly Pipe _unread = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
    private readonly CancellationTokenSource _aborted = new();

    public UnreadAnswer()
    {
        Context.Features.Set<IHttpResponseBodyFeature>(this);
        Context.Features.Set<IHttpRequestLifetimeFeature>(this);
        RequestAborted = _aborted.Token;
    }

    public DefaultHttpContext Context { get; } = new();

    public CancellationToken RequestAborted { get; set; }

    public Stream Stream => Writer.AsStream();

    public PipeWriter Writer => _unread.Writer;

    public void Abort() => _aborted.Cancel();

    public Task CompleteAsync() => Task.CompletedTask;

    public void DisableBuffering()
    {
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
}
