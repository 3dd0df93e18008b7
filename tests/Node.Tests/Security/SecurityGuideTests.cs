using System.Diagnostics;
using System.Text.RegularExpressions;
using Kv.Node.Hosting;
using Kv.Node.Security;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Security;

/// <summary>The commands of docs/security.md do what it says.</summary>
public sealed partial class SecurityGuideTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-guide-").FullName;

    [Fact]
    public async Task Its_commands_make_certificates_that_a_node_and_its_peers_accept()
    {
        var blocks = Blocks().Matches(await File.ReadAllTextAsync(GuidePath())).Select(match => match.Groups[1].Value).ToList();
        if (await RunAsync("command -v openssl") != 0) Assert.Skip("There is no openssl here.");
        Assert.Equal(0, await RunAsync(blocks[0]));
        await File.WriteAllTextAsync(Path.Combine(_directory, "keys"), ApiKey.Make("alice", Role.Write).Known.ToString());

        var settings = Exports().Matches(blocks[1]).ToDictionary(
            match => match.Groups[1].Value.Replace("__", ":", StringComparison.Ordinal),
            match => match.Groups[2].Value is ['$', ..] ? File.ReadAllText(Path.Combine(_directory, "secret")).Trim() : Path.Combine(_directory, match.Groups[2].Value));
        Assert.Equal(7, settings.Count);
        var options = NodeOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build());
        Assert.Empty(options.Security.Open());

        var trust = PeerTrust.In(Certificate.Authorities("test", Path.Combine(_directory, "ca.pem")), "");
        var other = Certificate.Load("test", Path.Combine(_directory, "node2.pem"), Path.Combine(_directory, "node2.key"), DateTimeOffset.UtcNow);
        Assert.True(trust.IsPeer(other.Leaf, other.Intermediates, DateTimeOffset.UtcNow));
        Assert.True(other.Leaf.MatchesHostname("node2"));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task<int> RunAsync(string commands)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-euc", commands]) { WorkingDirectory = _directory, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await Task.WhenAll(shell.StandardError.ReadToEndAsync(), shell.StandardOutput.ReadToEndAsync());
        await shell.WaitForExitAsync();
        return shell.ExitCode;
    }

    private static string GuidePath()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Kv.sln"))) directory = directory.Parent!;
        return Path.Combine(directory.FullName, "docs", "security.md");
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"(\w+)=(\$\([^)]*\)|\S+)")]
    private static partial Regex Exports();
}
