using System.Text.Json;

namespace Kv.Node.Rest;

/// <summary><c>/problems/…</c>: what the types of errors are, and what to do about them.</summary>
internal static class ProblemEndpoints
{
    public static void MapProblems(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Problem.Path, GetAllAsync).IsOpen();
        routes.MapGet(Problem.Path + "/{name}", GetAsync).IsOpen();
    }

    private static Task GetAllAsync(HttpContext context) => JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, Problems.All, static (json, all) =>
    {
        json.WriteString("message"u8, "Problems retrieved successfully"u8);
        json.WriteStartArray("problems"u8);
        foreach (var problem in all)
        {
            json.WriteStartObject();
            Write(json, problem);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static Task GetAsync(HttpContext context, string name) => Problems.All.FirstOrDefault(problem => problem.Name == name) is { } found
        ? JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, found, static (json, problem) =>
        {
            json.WriteString("message"u8, "Problem retrieved successfully"u8);
            Write(json, problem);
        })
        : RestErrors.WriteAsync(context, Problems.ProblemDoesNotExist);

    private static void Write(Utf8JsonWriter json, Problem problem)
    {
        json.WriteString("type"u8, problem.Type);
        json.WriteString("title"u8, problem.Title);
        json.WriteNumber("status"u8, problem.Status);
        json.WriteString("advice"u8, problem.Advice);
    }
}
