using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Kv.Node.Hosting;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Hosting;

/// <summary>docs/configuration.md is made of the options' own documentation, and is what that makes today. <c>UPDATE_DOCS=1</c> writes it anew.</summary>
public sealed partial class ConfigurationTableTests
{
    private static readonly XDocument Documentation = XDocument.Load(Path.ChangeExtension(typeof(NodeOptions).Assembly.Location, ".xml"));

    [Fact]
    public void The_table_says_what_the_options_say()
    {
        var made = Make();
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1") File.WriteAllText(TablePath(), made);
        Assert.Equal(made, File.ReadAllText(TablePath()));
    }

    [Fact]
    public void Every_option_says_what_it_is()
    {
        foreach (var (section, option) in Options()) Assert.False(string.IsNullOrWhiteSpace(MeaningOf(option)), $"{section}:{option.Name} has no documentation.");
    }

    [Fact]
    public void Every_variable_is_one_that_is_read()
    {
        var read = new Recording();
        NodeOptions.Read(new ConfigurationBuilder().Add(read).Build());
        Assert.Equal(NodeVariable.All.Select(variable => variable.Name).Order(), read.Asked.Where(name => !name.Contains(':', StringComparison.Ordinal) && !name.Any(char.IsAsciiLetterLower)).Distinct().Order());
    }

    private static string Make()
    {
        var table = new StringBuilder(
            """
            # Configuration

            <!-- Made by ConfigurationTableTests from what the options say of themselves. UPDATE_DOCS=1 dotnet test tests/Node.Tests --filter ConfigurationTableTests writes it anew. -->

            A node reads the environment, `appsettings.json` beside the program, and its arguments; the last one counts. Everything is checked at start, and all that is wrong is said at
            once: `Kv.Node --check-config` does only that. `Kv.Node --help` shows the variables.

            ## Variables

            In the environment, or as `--NAME=value`.

            | variable | default | meaning |
            | --- | --- | --- |

            """);
        foreach (var variable in NodeVariable.All) table.Append(CultureInfo.InvariantCulture, $"| `{variable.Name}` | {Escape(variable.Default)} | {Escape(variable.Meaning)}. |\n");
        table.Append(
            """

            ## Options

            As an argument `--Section:Option=value`, in the environment `Section__Option=value`. Durations are `[days.]hours:minutes:seconds[.fraction]`.

            """);
        foreach (var section in Options().GroupBy(option => option.Section))
        {
            table.Append(CultureInfo.InvariantCulture, $"\n### {section.Key}\n\n| option | default | meaning |\n| --- | --- | --- |\n");
            var defaults = Activator.CreateInstance(section.First().Option.DeclaringType!);
            foreach (var (_, option) in section) table.Append(CultureInfo.InvariantCulture, $"| `{option.Name}` | `{Show(option.GetValue(defaults))}` | {Escape(MeaningOf(option))} |\n");
        }

        return table.ToString();
    }

    private static IEnumerable<(string Section, PropertyInfo Option)> Options() =>
        from section in typeof(NodeOptions).GetProperties()
        where section.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal)
        from option in section.PropertyType.GetProperties()
        where option.SetMethod is { IsPublic: true }
        select (section.Name, option);

    private static string MeaningOf(PropertyInfo option)
    {
        var summary = SummaryOf($"P:{option.DeclaringType!.FullName}.{option.Name}");
        return summary is null ? "" : Blanks().Replace(string.Concat(summary.Nodes().Select(Text)), " ").Trim();
    }

    private static XElement? SummaryOf(string name)
    {
        var member = Documentation.Descendants("member").FirstOrDefault(member => member.Attribute("name")?.Value == name);
        return member?.Element("inheritdoc")?.Attribute("cref") is { } other ? SummaryOf(other.Value) : member?.Element("summary");
    }

    private static string Text(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" } see => $"`{see.Attribute("cref")?.Value.Split('.')[^1]}`",
        XElement element => $"`{element.Value}`",
        _ => "",
    };

    private static string Show(object? value) => value switch
    {
        TimeSpan duration => duration.ToString("c", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value?.ToString() ?? "",
    };

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static string TablePath()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Kv.sln"))) directory = directory.Parent!;
        return Path.Combine(directory.FullName, "docs", "configuration.md");
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    /// <summary>Has nothing, and remembers what it was asked for.</summary>
    private sealed class Recording : ConfigurationProvider, IConfigurationSource
    {
        public List<string> Asked { get; } = [];

        public override bool TryGet(string key, out string? value)
        {
            Asked.Add(key);
            value = null;
            return false;
        }

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;
    }
}
