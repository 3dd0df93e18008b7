using System.Diagnostics;
using System.Text.Json;
using Kv.Node.Hosting;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Deployment;

/// <summary>The manifests fit each other, and the node.</summary>
public class KubernetesTests
{
    private static readonly string[] Files = ["namespace", "services", "statefulset", "disruption-budget"];

    private static readonly IReadOnlyList<JsonElement> All = [.. Files.SelectMany(file => Yaml.Read($"docker/kubernetes/{file}.yaml"))];

    private static JsonElement Set => Kind("StatefulSet");

    private static JsonElement Container => Assert.Single(Set.Items("spec", "template", "spec", "containers"));

    [Fact]
    public void Everything_is_a_resource_that_the_kustomization_takes_in()
    {
        var kustomization = Assert.Single(Yaml.Read("docker/kubernetes/kustomization.yaml"));
        Assert.Equal(Files.Select(file => $"{file}.yaml"), kustomization.Items("resources").Select(file => file.ToString()));
        Assert.Equal(kustomization.Text("namespace"), Kind("Namespace").Text("metadata", "name"));
        Assert.Contains(kustomization.Items("images"), image => image.Text("name") == Container.Text("image"));
        Assert.All(All, resource => Assert.True(resource.Text("apiVersion").Length > 0 && resource.Text("metadata", "name").Length > 0));
        Assert.Equal(All.Count, All.Select(resource => (resource.Text("kind"), resource.Text("metadata", "name"))).Distinct().Count());
    }

    [Fact]
    public void Whatever_selects_pods_selects_the_nodes()
    {
        // A disruption budget that selects nothing protects nothing, and a kustomization that adds labels gives it no selector.
        var labels = Set.At("spec", "template", "metadata", "labels");
        Assert.All(
            [Set.At("spec", "selector", "matchLabels"), Kind("PodDisruptionBudget").At("spec", "selector", "matchLabels"), Service("kv").At("spec", "selector"), Service("kv-client").At("spec", "selector")],
            selector => Assert.True(JsonElement.DeepEquals(labels, selector), $"{selector} is not {labels}"));
    }

    [Fact]
    public async Task Kubectl_makes_of_the_kustomization_what_the_files_say()
    {
        Assert.SkipUnless(await IsThereAsync("kubectl"), "kubectl is not installed (Debian's package kubernetes-client)");
        var (made, complaints) = await RunAsync("kubectl", "kustomize", Path.Combine(Yaml.Root, "docker/kubernetes"));
        Assert.Equal("", complaints);
        var resources = Yaml.Parse(made);
        Assert.Equal(All.Select(Name).Order(), resources.Select(Name).Order());
        Assert.All(resources.Where(resource => resource.Text("kind") != "Namespace"), resource => Assert.Equal("kv", resource.Text("metadata", "namespace")));
        var set = Assert.Single(resources, resource => resource.Text("kind") == "StatefulSet");
        Assert.Equal("kvs-image:latest", Assert.Single(set.Items("spec", "template", "spec", "containers")).Text("image"));
        Assert.True(JsonElement.DeepEquals(Set.At("spec", "selector"), set.At("spec", "selector")));

        static string Name(JsonElement resource) => $"{resource.Text("apiVersion")} {resource.Text("kind")} {resource.Text("metadata", "name")}";
    }

    [Fact]
    public void Each_pod_has_a_name_that_peers_find_before_it_is_ready()
    {
        var headless = Service(Set.Text("spec", "serviceName"));
        Assert.Equal("None", headless.Text("spec", "clusterIP"));
        Assert.Equal("True", headless.Text("spec", "publishNotReadyAddresses"), ignoreCase: true);
        Assert.Equal("Parallel", Set.Text("spec", "podManagementPolicy"));
        var ports = Container.Items("ports").ToDictionary(port => port.Text("name"), port => int.Parse(port.Text("containerPort"), null));
        Assert.Equal(1000, ports["peers"] - ports["rest"]);
        Assert.Equal(ports.Values.Order(), headless.Items("spec", "ports").Select(port => int.Parse(port.Text("port"), null)).Order());
        Assert.Equal("rest", Assert.Single(Service("kv-client").Items("spec", "ports")).Text("targetPort"));
    }

    [Fact]
    public void Probes_ask_what_the_node_answers()
    {
        Assert.Equal(
            ["/livez", "/livez", "/readyz"],
            ((string[])["startupProbe", "livenessProbe", "readinessProbe"]).Select(probe => Container.Text(probe, "httpGet", "path")));
        Assert.All((string[])["startupProbe", "livenessProbe", "readinessProbe"], probe => Assert.Equal("rest", Container.Text(probe, "httpGet", "port")));
    }

    [Fact]
    public void A_pod_has_the_time_to_drain_and_one_at_a_time_does()
    {
        var options = Options("kv-0", out _).Drain;
        Assert.True(options.Grace >= TimeSpan.FromSeconds(2 * double.Parse(Container.Text("readinessProbe", "periodSeconds"), null)), "The grace is too short for the readiness probe.");
        Assert.True(int.Parse(Set.Text("spec", "template", "spec", "terminationGracePeriodSeconds"), null) >= options.Limit.TotalSeconds + 5);
        Assert.Equal("RollingUpdate", Set.Text("spec", "updateStrategy", "type"));
        Assert.Equal("1", Kind("PodDisruptionBudget").Text("spec", "maxUnavailable"));
    }

    [Fact]
    public void It_runs_without_rights_on_a_root_that_it_cannot_write_and_keeps_its_data()
    {
        var pod = Set.At("spec", "template", "spec", "securityContext");
        Assert.Equal(("true", "1654"), (pod.Text("runAsNonRoot").ToLowerInvariant(), pod.Text("runAsUser")));
        var own = Container.At("securityContext");
        Assert.Equal(("false", "true", "ALL"), (own.Text("allowPrivilegeEscalation").ToLowerInvariant(), own.Text("readOnlyRootFilesystem").ToLowerInvariant(), Assert.Single(own.Items("capabilities", "drop")).ToString()));
        Assert.All((string[])["cpu", "memory"], resource => Assert.NotEmpty(Container.Text("resources", "requests", resource)));
        var claim = Assert.Single(Set.Items("spec", "volumeClaimTemplates")).Text("metadata", "name");
        Assert.Equal("/data", Assert.Single(Container.Items("volumeMounts"), mount => mount.Text("name") == claim).Text("mountPath"));
        Assert.Contains("KV_DATA_DIR=/data", File.ReadAllText(Path.Combine(Yaml.Root, "docker/Dockerfile")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kv-0", "2", "kv-0.kv:8080,kv-1.kv:8080,kv-2.kv:8080,kv-3.kv:8080,kv-4.kv:8080,kv-5.kv:8080")]
    [InlineData("kv-5", "2", "kv-0.kv:8080,kv-1.kv:8080,kv-2.kv:8080,kv-3.kv:8080,kv-4.kv:8080,kv-5.kv:8080")]
    [InlineData("kv-6", null, "kv-0.kv:8080,kv-1.kv:8080,kv-2.kv:8080,kv-3.kv:8080,kv-4.kv:8080,kv-5.kv:8080,kv-6.kv:8080")]
    [InlineData("kv-11", null, "kv-0.kv:8080,kv-1.kv:8080,kv-2.kv:8080,kv-3.kv:8080,kv-4.kv:8080,kv-5.kv:8080,kv-11.kv:8080")]
    public void The_first_pods_form_the_cluster_and_later_ones_join_it(string pod, string? shards, string view)
    {
        var options = Options(pod, out var variables);
        Assert.Equal(view, variables["VIEW"]);
        Assert.Equal(shards, options.ShardCount?.ToString());
        Assert.Equal($"{pod}.kv:8080", options.SocketAddress.ToString());
    }

    // As the container's shell hands them to the node, read as the node reads them: what it does not know, it refuses.
    private static NodeOptions Options(string pod, out Dictionary<string, string> variables)
    {
        var script = Assert.Single(Container.Items("args")).ToString();
        Assert.EndsWith("exec dotnet /app/Kv.Node.dll", script.TrimEnd());
        var shell = new ProcessStartInfo("/bin/sh", ["-c", script.Replace("exec dotnet /app/Kv.Node.dll", "exec env", StringComparison.Ordinal)]) { RedirectStandardOutput = true };
        foreach (var name in shell.Environment.Keys.Where(name => name != "PATH").ToList()) shell.Environment.Remove(name);
        shell.Environment["POD_NAME"] = pod;
        foreach (var variable in Container.Items("env").Where(variable => variable.TryGetProperty("value", out _))) shell.Environment[variable.Text("name")] = variable.Text("value");
        using var process = Process.Start(shell)!;
        variables = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        process.WaitForExit();
        var settings = new ConfigurationBuilder().AddInMemoryCollection(variables.Select(pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value))).Build();
        return NodeOptions.Read(settings);
    }

    private static async Task<bool> IsThereAsync(string program) => (await RunAsync("/bin/sh", "-c", $"command -v {program} || true")).Output.Length > 0;

    private static async Task<(string Output, string Error)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? (output, await error) : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await error}");
    }

    private static JsonElement Kind(string kind) => Assert.Single(All, resource => resource.Text("kind") == kind);

    private static JsonElement Service(string name) => Assert.Single(All, resource => resource.Text("kind") == "Service" && resource.Text("metadata", "name") == name);
}
