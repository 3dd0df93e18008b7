using System.Globalization;
using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace Kv.Node.Rest;

/// <summary>
/// Every error of the REST door: JSON with <c>error</c> and <c>message</c>, which people read and scripts compare, the members of a problem (RFC 9457), which programs tell errors apart by, and,
/// where waiting helps, Retry-After.
/// </summary>
internal static class RestErrors
{
    private const string ProblemJson = "application/problem+json";

    /// <param name="context">The request.</param>
    /// <param name="status">Of the answer, and of the problem.</param>
    /// <param name="error">The title of a problem of that status, unless one is given.</param>
    /// <param name="retryAfterSeconds">Null where waiting does not help.</param>
    /// <param name="more">Further members.</param>
    /// <param name="message">Null for the one that all errors of a method have.</param>
    /// <param name="problem">What kind it is, where the error names something and is more than a title.</param>
    public static Task WriteAsync(
        HttpContext context, int status, string error, int? retryAfterSeconds = null, Action<Utf8JsonWriter>? more = null, string? message = null, Problem? problem = null)
    {
        RetryAfter(context, retryAfterSeconds);
        return JsonAnswer.WriteAsync(
            context,
            status,
            (problem: problem ?? Problems.Of(status, error), error, message: message ?? $"Error in {context.Request.Method}", more),
            static (json, state) =>
            {
                Write(json, state.problem, state.error, state.message);
                state.more?.Invoke(json);
            },
            ContentTypeFor(context.Request));
    }

    public static Task WriteAsync(HttpContext context, Problem problem, int? retryAfterSeconds = null, Action<Utf8JsonWriter>? more = null) =>
        WriteAsync(context, problem.Status, problem.Title, retryAfterSeconds, more, problem: problem);

    /// <summary>Nothing was done; somebody who comes back is not late.</summary>
    public static Task WriteOverloadedAsync(HttpContext context) => WriteAsync(context, Problems.Overloaded, 1);

    /// <summary>For statuses that the framework produced without a body.</summary>
    public static Task WriteForStatusAsync(HttpContext context) => WriteAsync(context, context.Response.StatusCode, context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => Problems.NotFound.Title,
        StatusCodes.Status405MethodNotAllowed => Problems.MethodNotAllowed.Title,
        StatusCodes.Status413PayloadTooLarge => Problems.BodyTooLarge.Title,
        StatusCodes.Status408RequestTimeout => Problems.RequestTimeout.Title,
        StatusCodes.Status400BadRequest => Problems.BadRequest.Title,
        _ => "Request failed",
    });

    /// <summary>The members that every error has.</summary>
    public static void Write(Utf8JsonWriter json, Problem problem, string error, string message)
    {
        json.WriteString("error"u8, error);
        json.WriteString("message"u8, message);
        json.WriteString("type"u8, problem.Type);
        json.WriteString("title"u8, problem.Title);
        json.WriteNumber("status"u8, problem.Status);
    }

    /// <summary>Clients of this interface expect JSON under its plain name, and get what the RFC calls it only when they say that they know it.</summary>
    public static string ContentTypeFor(HttpRequest request)
    {
        var accept = request.Headers.Accept;
        if (accept.Count == 0 || !accept.ToString().Contains(ProblemJson, StringComparison.OrdinalIgnoreCase)) return JsonAnswer.PlainJson;
        return MediaTypeHeaderValue.TryParseList([.. accept.OfType<string>()], out var types) && types.Any(type => type.MediaType.Equals(ProblemJson, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0)
            ? ProblemJson
            : JsonAnswer.PlainJson;
    }

    public static void RetryAfter(HttpContext context, int? seconds)
    {
        if (seconds is { } given) context.Response.Headers.RetryAfter = given.ToString(CultureInfo.InvariantCulture);
    }
}
