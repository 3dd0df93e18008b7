namespace Kv.Faults.Testbeds;

/// <summary>
/// Rules in the network namespace of one container: the machine's own are not touched, and they vanish with the container. For a container that has ended there is
/// nothing to do, or to undo.
/// </summary>
internal sealed class NetworkNamespace(string processId)
{
    private static readonly string Nsenter = Shell.Find("nsenter") ?? "nsenter";
    private static readonly string Restore = Shell.Find("iptables-restore") ?? "iptables-restore";
    private static readonly string Tc = Shell.Find("tc") ?? "tc";

    // iptables on nf_tables finds the rule that is to be deleted first, and deletes it then, whatever --wait says: two faults that end at once would delete the same one of two equal rules.
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Null when this machine can do it; else what is missing.</summary>
    public static string? WhyNot(params IReadOnlyList<string> tools)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) return "takes root on Linux";
        return tools.FirstOrDefault(tool => Shell.Find(tool) is null) is { } missing ? $"{missing} is not installed" : null;
    }

    /// <summary>Appends rules to chains of a table of iptables, each given as chain and specification; all at once, so that no half of them is in force for long.</summary>
    public async Task<IAsyncDisposable> AddRulesAsync(string table, IReadOnlyList<string> rules)
    {
        await IfItRunsAsync(() => RestoreAsync(table, rules, "-A"));
        return new Undo(() => IfItRunsAsync(() => RestoreAsync(table, rules, "-D")));
    }

    /// <summary>Puts a queueing discipline before everything that leaves the container.</summary>
    public async Task<IAsyncDisposable> ShapeAsync(params IReadOnlyList<string> discipline)
    {
        await IfItRunsAsync(() => EnterAsync(Tc, ["qdisc", "add", "dev", "eth0", "root", .. discipline]));
        return new Undo(() => IfItRunsAsync(() => EnterAsync(Tc, ["qdisc", "del", "dev", "eth0", "root"])));
    }

    private Task<CommandResult> RestoreAsync(string table, IReadOnlyList<string> rules, string command) =>
        EnterAsync(Restore, ["--noflush", "--wait"], $"*{table}\n{string.Concat(rules.Select(rule => $"{command} {rule}\n"))}COMMIT\n");

    private Task<CommandResult> EnterAsync(string program, IReadOnlyList<string> arguments, string input = "") =>
        Shell.RunAsync(Nsenter, ["--target", processId, "--net", program, .. arguments], input);

    private async Task IfItRunsAsync(Func<Task<CommandResult>> command)
    {
        await _turn.WaitAsync();
        try
        {
            var result = await command();
            if (Directory.Exists($"/proc/{processId}")) result.Succeeded();
        }
        finally
        {
            _turn.Release();
        }
    }
}
