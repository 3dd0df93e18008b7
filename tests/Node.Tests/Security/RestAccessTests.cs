using System.Text.RegularExpressions;
using Kv.Node.Rest;
using Kv.Node.Security;
using Kv.Node.Tests.Rest;
using Kv.TestSupport;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Kv.Node.Tests.Security;

/// <summary>Who may do what at the REST door.</summary>
public sealed class RestAccessTests : IAsyncLifetime
{
    private SecuredNode? _secured;

    private SecuredNode Secured => _secured!;

    public async ValueTask InitializeAsync() => _secured = await SecuredNode.StartAsync();

    public ValueTask DisposeAsync() => Secured.DisposeAsync();

    [Fact]
    public void Every_route_says_who_may_use_it()
    {
        Assert.True(Secured.Node.Routes.Count > 10);
        Assert.Empty(Secured.Node.Routes.Where(route => route.Metadata.GetMetadata<NeededRole>() is null).Select(route => route.DisplayName));
        // To add one here is to decide that whoever reaches the port may see it.
        Assert.Equal(["/console", "/console/{name}", "/livez", "/openapi/v1.json", "/problems", "/problems/{name}", "/readyz"], Secured.Node.Routes.Where(route => route.Metadata.GetMetadata<NeededRole>() is { Role: null }).Select(route => route.RoutePattern.RawText!).Distinct().Order());
    }

    [Fact]
    public async Task A_route_that_says_nothing_is_refused_to_everybody()
    {
        var access = Secured.Node.Service<RestAccess>();
        var context = new DefaultHttpContext();
        context.SetEndpoint(new RouteEndpoint(_ => throw new InvalidOperationException("It was served."), RoutePatternFactory.Parse("/new"), 0, new EndpointMetadataCollection(), "new"));
        context.Request.Headers.Authorization = $"Bearer {Secured.KeyOf(Role.Admin)}";
        await access.ServeAsync(context, _ => throw new InvalidOperationException("It was served."));
        Assert.Equal(403, context.Response.StatusCode);
    }

    [Fact]
    public async Task Without_a_key_every_route_but_the_open_ones_answers_401_and_says_how()
    {
        foreach (var (method, path) in Everything())
        {
            foreach (var (client, error) in ((KvClient, string)[])[(Secured.As(null), "API key is missing"), (Secured.With(ApiKey.Make("x", Role.Admin).Key), "API key is not known"), (Secured.With("x"), "API key is not known")])
            {
                var answer = await client.SendAsync(new HttpMethod(method), path, method == "GET" ? null : "{}");
                AnswerAssert.Error(answer, 401, error, $"Error in {method}");
                Assert.StartsWith("Bearer realm=", answer.Header("WWW-Authenticate"));
            }
        }

        Assert.Equal(200, (await Secured.As(null).GetPathAsync("/livez")).Status);
        Assert.Equal(200, (await Secured.As(null).GetPathAsync("/readyz")).Status);
    }

    [Fact]
    public async Task Each_role_may_do_what_it_is_for_and_nothing_beyond()
    {
        foreach (var (method, path) in Everything())
        {
            var needed = method == "GET" ? (path.TrimEnd('/') is "/key-value-store-backup" or "/key-value-store-backup/digest" ? Role.Admin : Role.Read) : path.StartsWith("/key-value-store/", StringComparison.Ordinal) || path == "/key-value-store-batch" ? Role.Write : Role.Admin;
            foreach (var role in Enum.GetValues<Role>())
            {
                if (role >= needed && IsStream(path))
                {
                    Assert.StartsWith("HTTP/1.1 200 ", await FirstLineAsync(path, role));
                    continue;
                }

                var answer = await Secured.As(role).SendAsync(new HttpMethod(method), path, method == "GET" ? null : "{}");
                if (role < needed) AnswerAssert.Error(answer, 403, "API key may not do this", $"Error in {method}");
                else Assert.False(answer.Status is 401 or 403 or >= 500, $"{role} {method} {path}: {answer}");
            }
        }
    }

    [Fact]
    public async Task Methods_that_strangers_invent_are_not_told_apart_by_the_metrics()
    {
        Assert.StartsWith("HTTP/1.1 401 ", await RawAsync("INVENTED", "/key-value-store/k", ""));
        Assert.StartsWith("HTTP/1.1 401 ", await RawAsync("gEt", "/key-value-store/k", ""));
        var metrics = (await Secured.As(Role.Read).GetPathAsync("/metrics")).Body;
        Assert.DoesNotContain("INVENTED", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("gEt", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_counts_only_as_one_bearer_token_in_the_header()
    {
        var key = Secured.KeyOf(Role.Admin);
        foreach (var headers in (string[])["", $"Authorization: {key}", $"Authorization: Basic {key}", "Authorization: Bearer", "Authorization: Bearer ", $"Authorization: Bearer x {key}", $"Authorization: Bearer {key}, Bearer {key}", $"X-Api-Key: {key}", $"Cookie: Authorization=Bearer {key}", $"Authorization: Bearer {key}\r\nAuthorization: Bearer {key}", $"Authorization: Bearer x\r\nAuthorization: Bearer {key}"])
            Assert.StartsWith("HTTP/1.1 401 ", await RawAsync("GET", $"/metrics?access_token={key}", headers));
        Assert.StartsWith("HTTP/1.1 200 ", await RawAsync("GET", "/metrics", $"Authorization: bearer {key}"));
    }

    [Theory]
    [InlineData("/livez/../metrics")]
    [InlineData("/livez/%2e%2e/metrics")]
    [InlineData("/livez%2f..%2fmetrics")]
    [InlineData("/livez/..;/metrics")]
    [InlineData("/METRICS")]
    [InlineData("/metrics/")]
    [InlineData("//metrics")]
    [InlineData("/metrics%00")]
    [InlineData("/%6detrics")]
    [InlineData("/key-value-store/secret")]
    [InlineData("/key-value-store/%73ecret")]
    [InlineData("/key-value-store%2Fsecret")]
    [InlineData("/Key-Value-Store/secret")]
    [InlineData("//key-value-store/secret")]
    [InlineData("/./key-value-store/secret")]
    [InlineData("/livez/../key-value-store/secret")]
    [InlineData("/key-value-store/secret%00")]
    [InlineData("/key-value-store/secret?/livez")]
    [InlineData("/key-value-store/secret#/livez")]
    [InlineData("http://x/key-value-store/secret")]
    [InlineData("http://x/livez/../key-value-store/secret")]
    [InlineData("http://livez/metrics")]
    [InlineData("*")]
    [InlineData("x:443")]
    [InlineData("/kv.v1.ControlPlane/GetTopology")]
    [InlineData("/kv.v1.Replication/GetRecord")]
    public async Task No_way_of_writing_a_path_goes_around_the_door(string target)
    {
        Assert.Equal(201, (await Secured.As(Role.Write).PutAsync("secret", "\"the value\"")).Status);
        foreach (var method in (string[])["GET", "POST", "OPTIONS", "get", "CONNECT"])
        {
            var answer = await RawAsync(method, target, "");
            Assert.Matches("^HTTP/1.1 (400|401|404|405) ", answer);
            Assert.DoesNotContain("the value", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("kv_requests", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_large_body_without_a_key_is_not_taken_in()
    {
        var answer = await Secured.As(null).PutAsync("k", $"\"{new string('x', 2_000_000)}\"");
        AnswerAssert.Error(answer, 401, "API key is missing", "Error in PUT");
    }

    [Fact]
    public async Task Headers_without_end_are_refused() =>
        Assert.Matches("^HTTP/1.1 (431|400) ", await RawAsync("GET", "/metrics", $"Authorization: Bearer {new string('x', 60_000)}"));

    [Fact]
    public async Task Keys_are_exchanged_while_the_node_runs_and_a_bad_file_changes_nothing()
    {
        var (key, known) = ApiKey.Make("new", Role.Read);
        var (old, @new) = (Secured.As(Role.Read), Secured.With(key));
        using var refusals = new Refusals("api-keys");
        await File.WriteAllTextAsync(Secured.KeysFile, "nonsense");
        await refusals.SeenAsync();
        Assert.Equal(200, (await old.GetPathAsync("/key-value-store-view")).Status);
        await File.WriteAllTextAsync(Secured.KeysFile, known.ToString());
        await Eventually.Async(async () => (await @new.GetPathAsync("/key-value-store-view")).Status == 200, SecuredNode.Soon, "the new key is known");
        Assert.Equal(401, (await old.GetPathAsync("/key-value-store-view")).Status);
    }

    private static bool IsStream(string path) => path is "/key-value-store-changes" or "/key-value-store-view/events";

    // Of an answer that has no end.
    private async Task<string> FirstLineAsync(string path, Role role)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{Secured.Node.Address}{path}") { Headers = { { "Authorization", $"Bearer {Secured.KeyOf(role)}" } } };
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return $"HTTP/{answer.Version} {(int)answer.StatusCode} ";
    }

    private IEnumerable<(string Method, string Path)> Everything() =>
        Secured.Node.Routes
            .Where(route => route.Metadata.GetMetadata<NeededRole>() is { Role: not null })
            .SelectMany(route => (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => (method, Regex.Replace(route.RoutePattern.RawText!, @"\{.*?\}", "0"))))
            .Concat([("GET", "/key-value-store/k"), ("PUT", "/key-value-store/k"), ("DELETE", "/key-value-store/k"), ("GET", "/key-value-store-view/replicas-of/k")]);

    private Task<string> RawAsync(string method, string target, string headers) =>
        RawConnection.ExchangeAsync(Secured.Node.Port, $"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{(headers.Length > 0 ? headers + "\r\n" : "")}\r\n");
}
