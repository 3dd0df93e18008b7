using System.ComponentModel;
using System.Net.Sockets;
using Xunit;

namespace Kv.Docker.Tests.Scripts;

/// <summary>Whether this machine can run what a test needs, and whether it may: a cluster that somebody made by hand is not ours to replace.</summary>
internal static class Machine
{
    /// <summary>The label of the clusters that tests make.</summary>
    public const string Purpose = "docker-tests";

    private const string RunLabel = "kvs.project=causal-kvs";

    public static async Task SkipUnlessDockerAnswersAsync()
    {
        Assert.SkipUnless(await DockerAnswersAsync(), "no Docker engine answers on this machine");
        await SkipIfSomebodysClusterIsHereAsync();
    }

    /// <summary>Skips when build.sh would replace a cluster that is not a test's, or would find its first port taken.</summary>
    public static async Task SkipIfSomebodysClusterIsHereAsync()
    {
        var purposeFile = Path.Combine(Repository.Root, ".run", "local", "purpose");
        var purposes = new List<string>();
        if (File.Exists(purposeFile))
        {
            purposes.Add((await File.ReadAllTextAsync(purposeFile, TestContext.Current.CancellationToken)).Trim());
        }

        if (await DockerAnswersAsync())
        {
            purposes.AddRange(await Shell.DockerAsync(
                "container", "ls", "--all", "--filter", $"label={RunLabel}", "--format", "{{.Label \"kvs.purpose\"}}"));
        }

        Assert.SkipWhen(purposes.Any(purpose => purpose != Purpose), "a cluster made by build.sh is here and this test would replace it: run clean.sh first");
        Assert.SkipWhen(purposes.Count == 0 && await ListensAsync(Cluster.RestPort(1)), $"port {Cluster.RestPort(1)} is taken on this machine");
    }

    /// <summary>Where a tool of the administrator is installed; without it, or without root on Linux, the test is skipped.</summary>
    public static string AdministratorsTool(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, $"{name} takes root on Linux");
        string[] directories = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];
        var found = directories.Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(found is null, $"{name} is not installed");
        return found;
    }

    private static async Task<bool> DockerAnswersAsync()
    {
        try
        {
            return (await Shell.RunAsync("docker", "version", "--format", "{{.Server.Version}}")).ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false; // no docker program at all
        }
    }

    private static async Task<bool> ListensAsync(int port)
    {
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
