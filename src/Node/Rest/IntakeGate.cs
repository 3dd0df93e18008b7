using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary>
/// The first thing a request meets: whether this node still takes it. While the node leaves, every answer asks its client to close the connection, so that none is cut off when the node ends. Probes and
/// metrics are always answered.
/// </summary>
internal sealed class IntakeGate(RequestIntake intake)
{
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (intake.IsLeaving) context.Response.Headers.Connection = "close";
        if (!intake.TryEnter())
        {
            await (IsAboutTheNode(context.Request.Path) ? next(context) : RestErrors.WriteAsync(context, Problems.NodeStopping, 1));
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            intake.Leave();
        }
    }

    private static bool IsAboutTheNode(PathString path) => path == "/livez" || path == "/readyz" || path == "/metrics";
}
