using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;

namespace Kv.Node.Rest;

/// <summary><c>/console</c>: a page for people. Its files are part of the program; docs/decisions/0019 says why they are as they are.</summary>
internal static class ConsoleEndpoints
{
    public static void MapConsole(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/console", static (HttpContext context, ConsoleFiles files) => ServeAsync(context, files, "index.html")).IsOpen();
        routes.MapGet("/console/{name}", static (HttpContext context, ConsoleFiles files, string name) => ServeAsync(context, files, name)).IsOpen();
    }

    private static Task ServeAsync(HttpContext context, ConsoleFiles files, string name)
    {
        if (files.Find(name) is not { } file) return RestErrors.WriteAsync(context, Problems.NotFound);
        var (request, headers) = (context.Request.Headers, context.Response.Headers);
        headers.ContentSecurityPolicy = ConsoleFiles.Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        // Asked for again each time, so that a page is never of two versions; answered 304 as long as it is the same.
        headers.CacheControl = "no-cache";
        headers.ETag = file.Tag;
        if (request.IfNoneMatch == new StringValues(file.Tag))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        context.Response.ContentType = file.Type;
        context.Response.ContentLength = file.Content.Length;
        return context.Response.Body.WriteAsync(file.Content).AsTask();
    }
}

/// <summary>The console's files, read from the program once.</summary>
internal sealed class ConsoleFiles
{
    /// <summary>The page runs its own scripts, speaks to its own node, and does nothing else; text never becomes markup.</summary>
    public const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private const string Prefix = "console/";

    private readonly Dictionary<string, ConsoleFile> _files = [];

    public ConsoleFiles()
    {
        var program = typeof(ConsoleFiles).Assembly;
        foreach (var resource in program.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using var stream = program.GetManifestResourceStream(resource)!;
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            _files[resource[Prefix.Length..]] = new(content, TypeOf(resource), $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}\"");
        }
    }

    public IEnumerable<string> Names => _files.Keys;

    public ConsoleFile? Find(string name) => _files.GetValueOrDefault(name);

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => throw new InvalidOperationException($"The console has a file of a kind that is not known: {name}"),
    };
}

/// <summary>One file, as it is sent.</summary>
internal sealed record ConsoleFile(ReadOnlyMemory<byte> Content, string Type, string Tag);
