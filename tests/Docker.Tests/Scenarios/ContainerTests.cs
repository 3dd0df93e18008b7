using System.Diagnostics;
using System.Globalization;
using Kv.Docker.Tests.Scripts;
using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>The containers as build.sh makes them.</summary>
public sealed class ContainerTests(Cluster cluster) : ClusterScenario(cluster)
{
    [Fact]
    public async Task Six_containers_run_at_the_addresses_and_ports_of_the_contract()
    {
        foreach (var node in Nodes)
        {
            Assert.Equal("true", await Shell.InspectAsync(node.Name, "{{.State.Running}}"));
            Assert.Equal(node.Ip, await Shell.InspectAsync(node.Name, "{{.NetworkSettings.Networks.mynet.IPAddress}}"));
            Assert.Equal(
                $"127.0.0.1:{Cluster.RestPort(node.Number)}",
                await Shell.InspectAsync(node.Name, "{{with index .NetworkSettings.Ports \"8080/tcp\"}}{{(index . 0).HostIp}}:{{(index . 0).HostPort}}{{end}}"));
        }
    }

    [Fact]
    public async Task The_peer_port_is_not_published() =>
        Assert.Equal("8080/tcp ", await Shell.InspectAsync("node1", "{{range $port, $_ := .NetworkSettings.Ports}}{{$port}} {{end}}") + " ");

    [Fact]
    public async Task A_node_does_not_run_as_root()
    {
        Assert.Equal("1654:1654", await Shell.InspectAsync("kvs-image", "{{.Config.User}}"));
        Assert.Equal("1654", Assert.Single(await Shell.DockerAsync("exec", "node1", "id", "-u")));
    }

    [Fact]
    public async Task Every_container_becomes_healthy() =>
        await Until.NoProblemAsync("all are healthy", TimeSpan.FromSeconds(60), async () =>
        {
            foreach (var node in Nodes)
            {
                var health = await Shell.InspectAsync(node.Name, "{{.State.Health.Status}}");
                if (health != "healthy")
                {
                    return $"{node.Name} is {health}";
                }
            }

            return null;
        });

    [Fact]
    public async Task A_node_stops_on_SIGTERM_within_five_seconds()
    {
        var watch = Stopwatch.StartNew();
        await Shell.DockerAsync("stop", "--time", "10", "node6");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"took {watch.Elapsed}");

        // 137 would be the SIGKILL that ends Docker's patience.
        var exitCode = int.Parse(await Shell.InspectAsync("node6", "{{.State.ExitCode}}"), CultureInfo.InvariantCulture);
        Assert.True(exitCode is 0 or 143, $"exit code {exitCode}");
    }
}
