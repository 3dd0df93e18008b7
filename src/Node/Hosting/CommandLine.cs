using System.Reflection;
using System.Text;
using Kv.Node.Security;

namespace Kv.Node.Hosting;

/// <summary>What the program can be asked for instead of running a node. None of it touches a data directory or a port.</summary>
internal static class CommandLine
{
    /// <summary>The exit code when something was asked for and done, null when a node is to run. Throws <see cref="InvalidOptionsException"/> like a start would.</summary>
    public static async Task<int?> TryServeAsync(string[] args, TextWriter output)
    {
        if (args.Contains("--healthcheck")) return await HealthCheck.RunAsync([.. args.Where(arg => arg != "--healthcheck")]);
        if (args.Contains("--help") || args.Contains("-h")) return Print(output, Help());
        if (args.Contains("--version")) return Print(output, Version);
        if (Array.IndexOf(args, "--verify-backup") is >= 0 and var at) return await VerifyBackup.RunAsync(args.ElementAtOrDefault(at + 1), output);
        if (args.Contains("--check-config")) return CheckConfiguration([.. args.Where(arg => arg != "--check-config")], output);
        if (args.Contains("--make-api-key")) return MakeApiKey(args, output);
        return null;
    }

    /// <summary>The version of this build, as released.</summary>
    public static string Version { get; } =
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>What <c>--help</c> prints.</summary>
    public static string Help()
    {
        var help = new StringBuilder(
            $"""
            Kv.Node {Version}: one node of a causally consistent key-value store

            usage: Kv.Node [--rebuild | --rebuild=force] [--NAME=value | --Section:Option=value]...
                   Kv.Node --check-config [...]   says what is wrong with the configuration, all of it at once, and ends
                   Kv.Node --healthcheck          asks the node on this machine whether it is ready
                   Kv.Node --verify-backup FILE   reads a backup to its end, and says what it has, or what is wrong with it
                   Kv.Node --make-api-key NAME read|write|admin   prints a new API key, which is kept nowhere, and the line of KV_API_KEYS_FILE that makes it known
                   Kv.Node --help | --version

            Variables, in the environment or as arguments:

            """);
        foreach (var variable in NodeVariable.All) help.Append("  ").Append(variable.Name.PadRight(36)).Append(variable.Meaning).Append("; default: ").Append(variable.Default).Append('\n');
        return help.Append(
            """

            Every other option, with its default and its meaning, stands in docs/configuration.md: as an argument --Section:Option=value, in the
            environment Section__Option=value. A duration is [days.]hours:minutes:seconds.
            Ends with 0 when it was told to stop, with 2 and one line for each reason when the settings, the data directory or a port are not for it, with 3 when
            its data are damaged, with 4 when the disk failed, and with 1 when something failed that must not.
            """).ToString();
    }

    private static int CheckConfiguration(string[] args, TextWriter output)
    {
        var options = NodeOptions.Read(NodeHost.CreateBuilder(Rebuilding.TranslateArguments(args)).Configuration);
        var beginning = options.ShardCount is { } shards ? $"begins with SHARD_COUNT {shards}" : "joins the cluster of VIEW";
        return Print(output, $"The configuration is good: {options.SocketAddress}, one of {options.View.Count} in VIEW, {beginning}; its data are in {options.DataDirectory}.");
    }

    private static int MakeApiKey(string[] args, TextWriter output)
    {
        if (args is not ["--make-api-key", var name, var roleText] || !ApiKey.IsName(name) || !ApiKey.TryParseRole(roleText, out var role))
            throw new InvalidOptionsException(["--make-api-key needs a name, of letters, digits, '-', '_', '.' and '@', and a role: read, write or admin."]);
        var (key, known) = ApiKey.Make(name, role);
        output.WriteLine(key);
        return Print(output, known.ToString());
    }

    private static int Print(TextWriter output, string text)
    {
        output.WriteLine(text);
        return 0;
    }
}
