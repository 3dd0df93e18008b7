using System.Text.Json.Nodes;
using Kv.Node.Rest;
using Kv.Node.Security;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;

namespace Kv.Node.Tests.Rest;

/// <summary>What /openapi/v1.json says is true: it describes every route and no other, and every answer is as it says.</summary>
[Collection(nameof(SingleNode))]
public sealed class OpenApiTests(SingleNode node)
{
    private const string Where = "src/Node/Rest/openapi.json";
    private const string Examples = "tests/Node.Tests/Rest/OpenApiExamples.cs";

    [Fact]
    public async Task It_is_valid_OpenAPI()
    {
        var read = OpenApiDocument.Parse(await TextAsync(), "json");
        Assert.True(
            read.Diagnostic is { Errors: [], Warnings: [] },
            $"{Where}: {string.Join("; ", (read.Diagnostic?.Errors ?? []).Concat(read.Diagnostic?.Warnings ?? []).Select(error => $"{error.Pointer}: {error.Message}"))}");
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic!.SpecificationVersion);
        var ids = read.Document!.Paths.SelectMany(path => path.Value.Operations!.Values).Select(operation => operation.OperationId).ToList();
        Assert.Equal(ids.Distinct(), ids);
    }

    [Fact]
    public async Task Every_route_is_described_and_nothing_else_is()
    {
        var described = (await DescribedAsync()).Operations.Select(operation => $"{operation.Method} {operation.Path}").ToHashSet();
        var mapped = Mapped().ToHashSet();
        var missing = mapped.Except(described).Order().ToList();
        var extra = described.Except(mapped).Order().ToList();
        Assert.True(missing.Count == 0, $"Not described: {string.Join(", ", missing)}. Add it under \"paths\" in {Where} (copy a neighbour; answers go to components), then an example of each answer to {Examples}.");
        Assert.True(extra.Count == 0, $"Described, but no route of the application: {string.Join(", ", extra)}. Remove it from {Where}, or map it; what is served by a middleware and not by routing is named in OpenApiTests.BelowRouting.");
    }

    [Fact]
    public async Task What_an_operation_says_that_it_needs_is_what_its_route_asks_for()
    {
        // With roles, as 3.1 has them for schemes that are not OAuth's; open is said too, by an empty list.
        static string Security(Role? needed) => needed is { } role ? $"[{{\"apiKey\":[\"{role.ToString().ToLowerInvariant()}\"]}}]" : "[]";
        var asked = Routes()
            .SelectMany(route => MethodsOf(route).Select(method => (Operation: $"{method} {PathOf(route)}", Security: Security(route.Metadata.GetRequiredMetadata<NeededRole>().Role))))
            .Concat(KeyValueEndpoints.Methods.Select(method => ($"{method} {KeyValueEndpoints.Route}", Security(KeyValueEndpoints.Needed(method)))))
            .Append(($"GET {ReplicasEndpoint.Route}", Security(ReplicasEndpoint.Needed)))
            .ToDictionary();
        var document = await DescribedAsync();
        foreach (var (operation, said) in document.Needs)
            Assert.True(said == asked[operation], $"{operation} has \"security\": {said ?? "nothing"} in {Where}, and its route asks for {asked[operation]}.");
        var scheme = JsonNode.Parse(await TextAsync())!["components"]!["securitySchemes"]!["apiKey"]!;
        Assert.Equal(("http", "bearer"), (scheme["type"]!.GetValue<string>(), scheme["scheme"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Every_operation_is_shown_in_the_documentation()
    {
        var page = File.ReadAllText(RepositoryFile.PathOf("docs", "rest-api.md"));
        var missing = (await DescribedAsync()).Operations.Select(operation => $"`{operation.Method} {operation.Path}`").Where(operation => !page.Contains(operation, StringComparison.Ordinal)).ToList();
        Assert.True(missing.Count == 0, $"docs/rest-api.md has no heading {string.Join(", ", missing)}, with a curl example below it.");
    }

    [Fact]
    public async Task Every_described_answer_has_an_example_or_a_reason_for_having_none()
    {
        var described = (await DescribedAsync()).Operations.SelectMany(operation => operation.Statuses.Where(status => status != "default").Select(status => $"{operation.Method} {operation.Path} {status}")).ToHashSet();
        var known = OpenApiExamples.All.Select(example => example.Name).Concat(OpenApiExamples.NotHere.Keys).ToList();
        Assert.Equal(known.Distinct(), known);
        var missing = described.Except(known).Order().ToList();
        var extra = known.Except(described).Order().ToList();
        Assert.True(missing.Count == 0, $"No example of: {string.Join(", ", missing)}. Add to {Examples} a request that is answered so, or, where one node alone cannot answer so, the reason to NotHere.");
        Assert.True(extra.Count == 0, $"{Examples} has what {Where} does not describe: {string.Join(", ", extra)}. Describe it there, or remove the example.");
    }

    [Fact]
    public async Task Every_answer_is_as_described()
    {
        var document = await DescribedAsync();
        foreach (var example in OpenApiExamples.All)
        {
            var answer = await example.AskAsync(node);
            Assert.True(answer.Status == example.Status, $"{example.Name} is answered {answer}. Correct the example in {Examples}, or the status in {Where}.");
            if (document.SchemaOf(example) is { } schema)
                Assert.True(schema.Differences(answer.Body) is null, $"{example.Name} is answered {answer}, and that is not as {Where} says: {schema.Differences(answer.Body)}. Correct the schema there.");
            else
                Assert.NotEmpty(answer.Raw);
            if (answer.Status >= 400)
                Assert.True(answer.Text("type") != "about:blank", $"{example.Name} has no kind: add '{answer.Error}' to src/Node/Rest/Problems.cs, and write docs/errors.md anew with UPDATE_DOCS=1.");
        }
    }

    [Fact]
    public async Task An_answer_to_another_method_is_the_error_that_every_operation_may_give()
    {
        var document = await DescribedAsync();
        foreach (var path in document.Operations.Select(operation => operation.Path).Distinct())
        {
            var answer = await node.Client.SendAsync(HttpMethod.Patch, path.Replace("{key}", "k", StringComparison.Ordinal).Replace("{id}", "0", StringComparison.Ordinal).Replace("{name}", "n", StringComparison.Ordinal));
            Assert.True(answer.Status == 405 || path == "/metrics", $"PATCH {path}: {answer}");
            if (answer.Status == 405) Assert.Null(document.Component("Error").Differences(answer.Body));
        }
    }

    // Served before routing, because that sees paths only after it has changed them.
    private static IEnumerable<string> BelowRouting() => KeyValueEndpoints.Methods.Select(method => $"{method} {KeyValueEndpoints.Route}").Append($"GET {ReplicasEndpoint.Route}");

    private IEnumerable<string> Mapped() => Routes().SelectMany(route => MethodsOf(route).Select(method => $"{method} {PathOf(route)}")).Concat(BelowRouting());

    // Without the other door's.
    private IEnumerable<RouteEndpoint> Routes() =>
        node.Node.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(endpoint => endpoint.DisplayName?.StartsWith("gRPC", StringComparison.Ordinal) != true);

    private static IEnumerable<string> MethodsOf(RouteEndpoint route) => route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"];

    private static string PathOf(RouteEndpoint route) => $"/{route.RoutePattern.RawText!.Trim('/')}";

    private async Task<string> TextAsync() => (await node.Client.GetPathAsync(OpenApiEndpoints.Path)).Body;

    private async Task<DescribedInterface> DescribedAsync() => new(JsonNode.Parse(await TextAsync())!);
}
