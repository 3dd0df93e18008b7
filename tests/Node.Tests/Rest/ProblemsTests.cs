using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Kv.Node.Rest;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

/// <summary>Errors say what kind they are. docs/errors.md is made from the list of kinds; <c>UPDATE_DOCS=1</c> writes it anew.</summary>
[Collection(nameof(SingleNode))]
public sealed class ProblemsTests(SingleNode node)
{
    private static readonly string Page = RepositoryFile.PathOf("docs", "errors.md");

    [Fact]
    public void The_page_lists_every_kind_of_error()
    {
        var made = Make();
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1") File.WriteAllText(Page, made);
        Assert.True(made == File.ReadAllText(Page), $"docs/errors.md is not what src/Node/Rest/Problems.cs says: UPDATE_DOCS=1 dotnet test tests/Node.Tests --filter {nameof(ProblemsTests)} writes it anew.");
    }

    [Fact]
    public void Every_kind_has_a_name_of_its_own_that_is_a_path_segment_and_says_what_to_do()
    {
        Assert.Equal(Problems.All.Select(problem => problem.Name).Distinct(), Problems.All.Select(problem => problem.Name));
        Assert.All(Problems.All, problem =>
        {
            Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", problem.Name);
            Assert.InRange(problem.Status, 400, 599);
            Assert.NotEmpty(problem.Advice);
            Assert.Same(problem, Problems.Of(problem.Status, problem.Title));
        });
    }

    [Fact]
    public async Task A_type_leads_to_what_it_means_at_every_node()
    {
        var error = await node.Client.GetAsync(SingleNode.NewKey());
        Assert.Equal(("Key does not exist", 404), (error.Text("title"), error.Member("status").GetInt32()));
        var meaning = await node.Client.GetPathAsync(error.Text("type"));
        Assert.Equal((200, error.Text("type"), error.Text("title")), (meaning.Status, meaning.Text("type"), meaning.Text("title")));
        Assert.NotEmpty(meaning.Text("advice"));
    }

    [Fact]
    public void An_error_of_no_known_kind_says_no_more_than_its_status()
    {
        var problem = Problems.Of(418, "Something that nobody has named");
        Assert.Equal(("about:blank", "I'm a teapot"), (problem.Type, problem.Title));
    }

    [Theory]
    [InlineData("application/problem+json", "application/problem+json")]
    [InlineData("text/html, application/problem+json;q=0.5", "application/problem+json")]
    [InlineData("Application/Problem+JSON", "application/problem+json")]
    [InlineData("application/problem+json;q=0", "application/json")]
    [InlineData("application/json", "application/json")]
    [InlineData("*/*", "application/json")]
    public async Task The_media_type_of_problems_is_for_those_who_ask_for_it(string accept, string expected)
    {
        using var http = new HttpClient();
        foreach (var path in new[] { KvClient.PathOf(SingleNode.NewKey()), "/nothing", "/key-value-store?limit=0" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{node.Node.Address}{path}");
            request.Headers.TryAddWithoutValidation("Accept", accept);
            using var response = await http.SendAsync(request);
            Assert.Equal(MediaTypeHeaderValue.Parse(expected), response.Content.Headers.ContentType);
        }
    }

    private static string Make()
    {
        var page = new StringBuilder(
            """
            # Errors

            <!-- Made by ProblemsTests from src/Node/Rest/Problems.cs. UPDATE_DOCS=1 dotnet test tests/Node.Tests --filter ProblemsTests writes it anew. -->

            Every error of the REST interface is a JSON object with these members, and further ones where there is more to say:

            | member | |
            | --- | --- |
            | `error` | what is wrong, for people; the title, or the title with names and numbers in it |
            | `message` | `Error in` and the method |
            | `type` | the kind of error, one of those below; what programs should look at |
            | `title` | the same for all errors of a type |
            | `status` | that of the answer; in the results of a batch, that of the operation |

            A type is a path: `curl http://node:8080/problems/overloaded` says what is said here. `about:blank` is no type: then the status is all there is to say. Errors come as `application/json`; who accepts
            `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) gets them as that. With 503 and 507 comes `Retry-After`, in seconds. [Why so](decisions/0017-errors-have-types-and-the-interface-a-document.md).

            """);
        foreach (var status in Problems.All.GroupBy(problem => problem.Status))
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {status.Key}\n\n| type | title | what to do |\n| --- | --- | --- |\n");
            foreach (var problem in status) page.Append(CultureInfo.InvariantCulture, $"| `{problem.Type}` | {problem.Title} | {problem.Advice} |\n");
        }

        return page.ToString();
    }
}
