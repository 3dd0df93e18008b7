using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Kv.Fuzz.Hosting;

/// <summary>A server without sockets: requests are handed to the application as contexts, and everything behind the server is the real thing.</summary>
internal sealed class InProcessServer : IServer
{
    private Func<IFeatureCollection, Task>? _process;

    public IFeatureCollection Features { get; } = new FeatureCollection();

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        _process = async features =>
        {
            var context = application.CreateContext(features);
            try
            {
                await application.ProcessRequestAsync(context);
                application.DisposeContext(context, null);
            }
            catch (Exception thrown)
            {
                application.DisposeContext(context, thrown);
                throw;
            }
        };
        return Task.CompletedTask;
    }

    /// <summary>Has the application answer; what it throws comes out.</summary>
    public async Task<Exchange> AskAsync(Exchange exchange)
    {
        await _process!(exchange.Features);
        await exchange.CompleteAsync();
        return exchange;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
    }
}
