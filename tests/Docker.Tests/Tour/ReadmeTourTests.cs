using Xunit;

namespace Kv.Docker.Tests.Tour;

/// <summary>The reader of the README and its reading of shown answers; these need no Docker.</summary>
public sealed class ReadmeTourTests
{
    [Fact]
    public void A_step_is_a_sh_block_of_the_section_with_the_json_block_after_it()
    {
        const string Readme = """
            # Title

            ```sh
            not in the section
            ```

            ## A tour with curl

            ```sh
            a=1
            echo $a
            ```
            prints
            ```json
            1
            ```
            ```text
            for the reader
            ```
            ```sh
            true
            ```

            ## Next

            ```sh
            not in the section either
            ```
            """;

        Assert.Equal([new TourStep("a=1\necho $a", "1"), new TourStep("true", null)], ReadmeTour.Read(Readme));
    }

    [Theory]
    [InlineData("""{"a":1}""", """{"b":2,"a":1}""", true)]
    [InlineData("""{"a":1,"b":2}""", """{"a":1}""", false)]
    [InlineData("""{"a":"…"}""", """{"a":{"b":[]}}""", true)]
    [InlineData("""{"a":"x…z"}""", """{"a":"xyz"}""", true)]
    [InlineData("""{"a":"x…z"}""", """{"a":"xy"}""", false)]
    [InlineData("""{"a":"1"}""", """{"a":1}""", false)]
    [InlineData("""[1,"…"]""", """[1,2]""", true)]
    [InlineData("""[1]""", """[1,2]""", false)]
    [InlineData("""1.0""", """1""", true)]
    [InlineData("""{"a":1} 200""", """{"a":1} 200""", true)]
    public void An_answer_is_as_shown_when_it_has_at_least_what_is_shown(string shown, string actual, bool agrees)
    {
        var pairs = JsonExpectation.Values(shown).Zip(JsonExpectation.Values(actual));
        Assert.Equal(agrees, pairs.All(pair => JsonExpectation.Difference(pair.First, pair.Second) is null));
    }
}
