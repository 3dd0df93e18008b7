using System.Text.Json.Nodes;
using Json.Schema;

namespace Kv.Node.Tests.Rest;

/// <summary>An OpenAPI document as the tests read it: its operations, and the schemas of their answers.</summary>
internal sealed class DescribedInterface(JsonNode document)
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

    public IEnumerable<(string Method, string Path, IReadOnlyList<string> Statuses)> Operations =>
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        where Methods.Contains(operation.Key)
        select (operation.Key.ToUpperInvariant(), path.Key, (IReadOnlyList<string>)[.. operation.Value!["responses"]!.AsObject().Select(response => response.Key)]);

    /// <summary>What each operation says that it needs, as it stands there; null where it says nothing.</summary>
    public IEnumerable<(string Operation, string? Security)> Needs =>
        Operations.Select(operation => ($"{operation.Method} {operation.Path}", document["paths"]![operation.Path]![operation.Method.ToLowerInvariant()]!["security"]?.ToJsonString()));

    /// <summary>Of an answer in JSON; null for one that is not.</summary>
    public AnswerSchema? SchemaOf(OpenApiExample example)
    {
        var response = document["paths"]![example.Path]![example.Method.ToLowerInvariant()]!["responses"]![example.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)]!;
        if (response["$ref"] is { } reference) response = document["components"]!["responses"]![reference.GetValue<string>().Split('/')[^1]]!;
        return response["content"]!["application/json"]?["schema"] is { } schema ? Of(schema) : null;
    }

    public AnswerSchema Component(string name) => Of(document["components"]!["schemas"]![name]!);

    // Whole by itself: with all that it may refer to.
    private AnswerSchema Of(JsonNode schema)
    {
        var whole = new JsonObject { ["allOf"] = new JsonArray(schema.DeepClone()), ["$defs"] = document["components"]!["schemas"]!.DeepClone() };
        return new(JsonSchema.FromText(whole.ToJsonString().Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal)));
    }

    internal sealed class AnswerSchema(JsonSchema schema)
    {
        /// <summary>Null when the text is as the schema says.</summary>
        public string? Differences(string json)
        {
            var result = schema.Evaluate(JsonNode.Parse(json), new EvaluationOptions { OutputFormat = OutputFormat.List });
            return result.IsValid ? null : string.Join("; ", result.Details.Where(detail => detail.HasErrors).SelectMany(detail => detail.Errors!.Select(error => $"{detail.InstanceLocation} {error.Value} ({detail.EvaluationPath})")));
        }
    }
}
