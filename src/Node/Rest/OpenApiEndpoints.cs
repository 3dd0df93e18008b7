namespace Kv.Node.Rest;

/// <summary><c>/openapi/v1.json</c>: the REST door described, as <c>Rest/openapi.json</c> says. Kept by hand, and compared with what the door does by the tests.</summary>
internal static class OpenApiEndpoints
{
    public const string Path = "/openapi/v1.json";

    private const string Resource = "openapi.json";

    private static readonly Lazy<byte[]> Document = new(Read);

    public static void MapOpenApi(this IEndpointRouteBuilder routes) => routes.MapGet(Path, () => Results.Bytes(Document.Value, JsonAnswer.PlainJson)).IsOpen();

    private static byte[] Read()
    {
        using var resource = typeof(OpenApiEndpoints).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException($"{Resource} was not embedded.");
        using var document = new MemoryStream();
        resource.CopyTo(document);
        return document.ToArray();
    }
}
