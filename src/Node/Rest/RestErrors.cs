using System.Text.Json;

namespace Kv.Node.Rest;

/// <summary>Every error of the REST door: JSON with <c>error</c>, <c>message</c> and, where waiting helps, Retry-After.</summary>
internal static class RestErrors
{
    public static Task WriteAsync(
        HttpContext context, int status, string error, int? retryAfterSeconds = null, Action<Utf8JsonWriter>? more = null, string? message = null)
    {
        if (retryAfterSeconds is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return JsonAnswer.WriteAsync(context, status, (error, message: message ?? $"Error in {context.Request.Method}", more), static (json, state) =>
        {
            json.WriteString("error", state.error);
            json.WriteString("message", state.message);
            state.more?.Invoke(json);
        });
    }

    /// <summary>Nothing was done; somebody who comes back is not late.</summary>
    public static Task WriteOverloadedAsync(HttpContext context) => WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Node is overloaded", 1);

    /// <summary>For statuses that the framework produced without a body.</summary>
    public static Task WriteForStatusAsync(HttpContext context) => WriteAsync(context, context.Response.StatusCode, context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => "Not found",
        StatusCodes.Status405MethodNotAllowed => "Method not allowed",
        StatusCodes.Status413PayloadTooLarge => "Body is too large",
        StatusCodes.Status408RequestTimeout => "Request took too long to arrive",
        StatusCodes.Status400BadRequest => "Bad request",
        _ => "Request failed",
    });
}
