using System.Text;
using System.Text.RegularExpressions;
using Kv.Node.Rest;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed partial class ConsoleTests(SingleNode node)
{
    private readonly KvClient _client = node.Client;

    [Fact]
    public async Task The_page_comes_with_a_policy_that_lets_it_do_nothing_but_run_its_own_files()
    {
        var page = await _client.GetPathAsync("/console");
        Assert.True(page.Status == 200, page.ToString());
        Assert.Equal("text/html; charset=utf-8", page.Header("Content-Type"));
        var policy = page.Header("Content-Security-Policy")!;
        Assert.StartsWith("default-src 'none';", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.DoesNotContain("http", policy);
        Assert.Equal("nosniff", page.Header("X-Content-Type-Options"));
    }

    [Fact]
    public async Task Every_file_that_the_page_names_is_served_with_its_type()
    {
        var named = Named().Matches((await _client.GetPathAsync("/console")).Body).Select(match => match.Groups[1].Value).Distinct().ToList();
        Assert.Contains("main.js", named);
        foreach (var name in named.Concat(new ConsoleFiles().Names))
        {
            var file = await _client.GetPathAsync($"/console/{name}");
            Assert.True(file.Status == 200 && file.Raw.Length > 0, $"{name}: {file}");
            Assert.StartsWith(Path.GetExtension(name) switch { ".js" => "text/javascript", ".css" => "text/css", ".svg" => "image/svg+xml", _ => "text/html" }, file.Header("Content-Type"));
        }
    }

    [Theory]
    [InlineData("/console/nothing.js")]
    [InlineData("/console/..%2Fappsettings.json")]
    [InlineData("/console/a/b")]
    [InlineData("/consoles")]
    public async Task Nothing_else_is(string path) => AnswerAssert.Error(await _client.GetPathAsync(path), 404, "Not found", "Error in GET");

    [Fact]
    public async Task Whoever_has_a_file_is_told_so()
    {
        using var http = new HttpClient();
        var uri = new Uri($"http://{_client.Address}/console");
        using var first = await http.GetAsync(uri);
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await http.SendAsync(request);
        Assert.Equal(System.Net.HttpStatusCode.NotModified, second.StatusCode);
    }

    [Fact]
    public void No_file_makes_markup_of_text_has_script_or_style_in_line_or_names_another_host()
    {
        var files = new ConsoleFiles();
        foreach (var name in files.Names)
        {
            var text = Encoding.UTF8.GetString(files.Find(name)!.Content.Span).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
            Assert.Equal("", Forbidden().Match(text).Value);
        }
    }

    [GeneratedRegex("/console/([a-z-]+\\.[a-z]+)")]
    private static partial Regex Named();

    [GeneratedRegex("\\.(innerHTML|outerHTML)|insertAdjacentHTML|document\\.write|\\beval\\(|new Function|<style|\\sstyle=|<script>|\\son[a-z]+=\"|https?://[a-z]", RegexOptions.IgnoreCase)]
    private static partial Regex Forbidden();
}
