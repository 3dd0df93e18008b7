using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kv.TestSupport;

namespace Kv.Node.Tests.Telemetry;

/// <summary>What <c>/metrics</c> shows, what is written about it, and what is made of it agree.</summary>
public sealed partial class MetricNamesTests(MetricNamesTests.Scrape scrape) : IClassFixture<MetricNamesTests.Scrape>
{
    private static readonly string Root = FindRoot();

    [Fact]
    public void Names_and_units_are_as_Prometheus_has_them_and_each_has_a_help()
    {
        Assert.NotEmpty(scrape.Families);
        Assert.All(scrape.Families, family =>
        {
            var (name, (type, help)) = family;
            Assert.Matches("^kv(_[a-z]+)+$", name);
            Assert.True(help.Length > 10 && help.EndsWith('.'), $"{name} has no sentence for a help: '{help}'");
            Assert.True(type is "counter" or "gauge" or "histogram", $"{name} is a {type}");
            Assert.Equal(type is "counter", name.EndsWith("_total", StringComparison.Ordinal));
            Assert.True(type is not "histogram" || name.EndsWith("_seconds", StringComparison.Ordinal) || name.EndsWith("_bytes", StringComparison.Ordinal), $"{name} has no unit");
            // No dimension is a ratio of nothing; base units only; no suffix that Prometheus makes itself.
            Assert.DoesNotMatch("_(ratio|milliseconds|ms|microseconds|kilobytes|megabytes|bucket|sum|count|info)(_|$)", name);
        });
    }

    [Fact]
    public void The_table_has_every_metric_with_its_type_and_no_other()
    {
        var written = TableRow().Matches(Read("docs/observability.md")).ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value);
        // Shown only where certificates come from files.
        Assert.True(written.Remove("kv_certificate_expires_in_seconds"));
        Assert.Equal(scrape.Families.ToDictionary(family => family.Key, family => family.Value.Type).OrderBy(pair => pair.Key), written.OrderBy(pair => pair.Key));
    }

    [Fact]
    public void Every_metric_of_the_dashboard_is_there()
    {
        using var dashboard = JsonDocument.Parse(Read("docker/observability/dashboard.json"));
        var targets = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("expr").GetString()!))
            .ToList();
        Assert.NotEmpty(targets);
        Assert.All(targets, AssertNamesWhatThereIs);
    }

    [Fact]
    public void Every_metric_of_the_alerts_is_there_and_every_alert_is_explained()
    {
        var rules = Read("docker/observability/alerts.yaml");
        var alerts = AlertName().Matches(rules).Select(alert => alert.Groups[1].Value).ToList();
        Assert.NotEmpty(alerts);
        Assert.Equal(alerts.Order(StringComparer.Ordinal), AlertRow().Matches(Read("docs/observability.md")).Select(row => row.Groups[1].Value).Order(StringComparer.Ordinal));
        Assert.Equal(alerts.Count, Expression().Count(rules));
        Assert.All(Expression().Matches(rules), expression => AssertNamesWhatThereIs(expression.Groups[1].Value));
    }

    [Fact]
    public async Task Promtool_has_nothing_to_say()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/promtool"), "promtool is not installed (Debian's package prometheus)");
        await PromtoolAsync("check metrics", scrape.Text);
        await PromtoolAsync($"check rules {Path.Combine(Root, "docker/observability/alerts.yaml")}");
        await PromtoolAsync($"check config {Path.Combine(Root, "docker/observability/prometheus.yaml")}");
    }

    private void AssertNamesWhatThereIs(string expression)
    {
        var names = Named().Matches(expression).Select(name => name.Value).ToList();
        Assert.True(names.Count > 0 || Up().IsMatch(expression), $"Names no metric: {expression}");
        Assert.All(names, name => Assert.True(
            scrape.Families.ContainsKey(name) || (Suffix().Match(name) is { Success: true } suffix && scrape.Families.TryGetValue(name[..suffix.Index], out var family) && family.Type is "histogram"),
            $"{name} is not there: {expression}"));
    }

    private static async Task PromtoolAsync(string arguments, string? input = null)
    {
        using var promtool = Process.Start(new ProcessStartInfo("/usr/bin/promtool", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = Task.WhenAll(promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
        await promtool.StandardInput.WriteAsync(input);
        promtool.StandardInput.Close();
        await promtool.WaitForExitAsync();
        Assert.True(promtool.ExitCode == 0, $"promtool {arguments}: {string.Concat(await said)}");
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Kv.sln"))) directory = directory.Parent ?? throw new InvalidOperationException("No Kv.sln above the tests.");
        return directory.FullName;
    }

    [GeneratedRegex(@"^\| `(kv_[a-z_]+)` \| (\w+) \|", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"^\| `(Kv[A-Za-z]+)` \|", RegexOptions.Multiline)]
    private static partial Regex AlertRow();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();

    // In one line, or a block up to what follows it.
    [GeneratedRegex(@"expr: (.*?)\n\s+(?:for|labels):", RegexOptions.Singleline)]
    private static partial Regex Expression();

    [GeneratedRegex(@"\bkv_[a-z_]+")]
    private static partial Regex Named();

    [GeneratedRegex(@"\bup\{")]
    private static partial Regex Up();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    /// <summary>The metrics of this product that a node shows which has peers, and has forwarded and waited.</summary>
    public sealed class Scrape : IAsyncLifetime
    {
        private IReadOnlyList<InProcessNode> _nodes = [];

        /// <summary>The lines about them.</summary>
        public string Text { get; private set; } = "";

        public IReadOnlyDictionary<string, (string Type, string Help)> Families { get; private set; } = new Dictionary<string, (string, string)>();

        public async ValueTask InitializeAsync()
        {
            _nodes = await InProcessNode.StartClusterAsync(nodes: 3, shards: 2);
            for (var i = 0; i < 20; i++) Assert.Equal(201, (await _nodes[i % 3].Client.PutAsync($"k{i}", "1", query: "?w=all")).Status);
            Text = await Eventually.Async(async () => OwnLines((await _nodes[0].Client.GetPathAsync("/metrics")).Body), text => text.Contains("kv_peer_lag{", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "all is shown");
            Families = Type().Matches(Text).ToDictionary(
                type => type.Groups[1].Value,
                type => (type.Groups[2].Value, Regex.Match(Text, $"^# HELP {type.Groups[1].Value} (.*)$", RegexOptions.Multiline).Groups[1].Value));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var node in _nodes) await node.DisposeAsync();
        }

        private static string OwnLines(string text) => string.Concat(text.Split('\n').Where(line => Regex.IsMatch(line, "^(# (HELP|TYPE|UNIT) )?kv_")).Select(line => line + "\n"));
    }

    [GeneratedRegex("^# TYPE (kv_[a-z_]+) (\\w+)$", RegexOptions.Multiline)]
    private static partial Regex Type();
}
