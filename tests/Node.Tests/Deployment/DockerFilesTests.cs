using System.Text.Json;
using Kv.Node.Hosting;
using Kv.Node.Hosting.Drain;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Deployment;

/// <summary>The files for Docker Compose and Docker Swarm start nodes that find each other, keep their data, and have the time to drain.</summary>
public class DockerFilesTests
{
    private const string Compose = "docker/compose.yaml";
    private const string Stack = "docker/stack.yaml";

    [Theory]
    [InlineData(Compose)]
    [InlineData(Stack)]
    public void The_nodes_are_those_of_the_view_each_with_a_name_a_port_and_a_volume_of_its_own(string file)
    {
        var document = Assert.Single(Yaml.Read(file));
        var nodes = document.At("services").EnumerateObject().ToList();
        Assert.Equal(6, nodes.Count);
        foreach (var (name, node) in nodes.Select(node => (node.Name, node.Value)))
        {
            var options = NodeOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(node.At("environment").EnumerateObject()
                .Select(variable => KeyValuePair.Create(variable.Name, (string?)variable.Value.ToString()))
                // What is left empty is what whoever deploys has not set.
                .Where(variable => !variable.Value!.StartsWith("${", StringComparison.Ordinal))).Build());
            Assert.Equal($"{name}:8080", options.SocketAddress.ToString());
            Assert.Equal(nodes.Select(each => $"{each.Name}:8080"), options.View.Select(each => each.ToString()));
            Assert.Equal(2, options.ShardCount);
            Assert.Equal($"{name}:/data", Assert.Single(node.Items("volumes")).ToString());
            Assert.True(document.At("volumes").TryGetProperty(name, out _), $"No volume {name}.");
            Assert.Contains("--healthcheck", node.Items("healthcheck", "test").Select(word => word.ToString()));
        }

        Assert.Equal(Enumerable.Range(8082, 6), nodes.Select(node => PublishedPort(Assert.Single(node.Value.Items("ports")))));
    }

    [Theory]
    [InlineData(Compose)]
    [InlineData(Stack)]
    public void Whoever_stops_a_node_waits_longer_than_it_drains(string file) => Assert.All(
        Assert.Single(Yaml.Read(file)).At("services").EnumerateObject(),
        node => Assert.True(int.Parse(node.Value.Text("stop_grace_period").TrimEnd('s'), null) >= new DrainOptions().Limit.TotalSeconds + 5));

    [Fact]
    public void A_swarm_never_runs_two_processes_on_one_volume_and_goes_back_when_an_update_fails() => Assert.All(
        Assert.Single(Yaml.Read(Stack)).At("services").EnumerateObject(),
        node =>
        {
            var deploy = node.Value.At("deploy");
            Assert.Equal(("1", "dnsrr"), (deploy.Text("replicas"), deploy.Text("endpoint_mode")));
            Assert.Equal(("stop-first", "1", "rollback"), (deploy.Text("update_config", "order"), deploy.Text("update_config", "parallelism"), deploy.Text("update_config", "failure_action")));
            Assert.Equal("stop-first", deploy.Text("rollback_config", "order"));
        });

    [Fact]
    public void Prometheus_looks_at_every_node()
    {
        var targets = Assert.Single(Assert.Single(Yaml.Read("docker/observability/prometheus.yaml")).Items("scrape_configs")).Items("static_configs").Single().Items("targets");
        Assert.Equal(Enumerable.Range(1, 6).Select(i => $"node{i}:8080"), targets.Select(target => target.ToString()));
    }

    // "127.0.0.1:8082:8080", or the long form.
    private static int PublishedPort(JsonElement port) => int.Parse(port.ValueKind is JsonValueKind.Object ? port.Text("published") : port.ToString().Split(':')[1], null);
}
