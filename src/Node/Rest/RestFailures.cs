using System.Threading.Channels;

namespace Kv.Node.Rest;

/// <summary>The REST door's one catch: what no outcome describes is a node that stops, a client that broke off, or a bug. No detail of a bug leaves the node.</summary>
internal sealed partial class RestFailures(RequestDelegate next, ILogger<RestFailures> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (BadHttpRequestException bad) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = bad.StatusCode;
            await RestErrors.WriteForStatusAsync(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer.
        }
        catch (Exception stopping) when (stopping is OperationCanceledException or ChannelClosedException && !context.Response.HasStarted)
        {
            await RestErrors.WriteAsync(context, Problems.NodeStopping, 1);
        }
        catch (Exception bug) when (!context.Response.HasStarted)
        {
            LogBug(logger, bug, context.Request.Method);
            await RestErrors.WriteAsync(context, Problems.InternalError);
        }
    }

    [LoggerMessage(4000, LogLevel.Error, "A {Method} request failed in a way that no request may")]
    private static partial void LogBug(ILogger logger, Exception bug, string method);
}
