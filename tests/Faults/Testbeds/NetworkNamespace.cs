namespace Kv.Faults.Testbeds;

/// <summary>
/// Rules in the network namespace of one container: the machine's own are not touched, and they vanish with the container. Undoing one of a container that has
/// ended meanwhile is nothing to do.
/// </summary>
internal sealed class NetworkNamespace(string processId)
{
    private static readonly string Nsenter = Shell.Find("nsenter") ?? "nsenter";
    private static readonly string Iptables = Shell.Find("iptables") ?? "iptables";
    private static readonly string Tc = Shell.Find("tc") ?? "tc";

    /// <summary>Null when this machine can do it; else what is missing.</summary>
    public static string? WhyNot(params IReadOnlyList<string> tools)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) return "takes root on Linux";
        return tools.FirstOrDefault(tool => Shell.Find(tool) is null) is { } missing ? $"{missing} is not installed" : null;
    }

    /// <summary>Appends a rule to a chain of a table of iptables.</summary>
    public async Task<IAsyncDisposable> AddRuleAsync(string table, string chain, params IReadOnlyList<string> rule)
    {
        (await EnterAsync(Iptables, ["--wait", "--table", table, "--append", chain, .. rule])).Succeeded();
        return new Undo(() => UndoAsync(Iptables, ["--wait", "--table", table, "--delete", chain, .. rule]));
    }

    /// <summary>Puts a queueing discipline before everything that leaves the container.</summary>
    public async Task<IAsyncDisposable> ShapeAsync(params IReadOnlyList<string> discipline)
    {
        (await EnterAsync(Tc, ["qdisc", "add", "dev", "eth0", "root", .. discipline])).Succeeded();
        return new Undo(() => UndoAsync(Tc, ["qdisc", "del", "dev", "eth0", "root"]));
    }

    private Task<CommandResult> EnterAsync(string program, IReadOnlyList<string> arguments) => Shell.RunAsync(Nsenter, ["--target", processId, "--net", program, .. arguments]);

    private async Task UndoAsync(string program, IReadOnlyList<string> arguments)
    {
        var undone = await EnterAsync(program, arguments);
        if (Directory.Exists($"/proc/{processId}")) undone.Succeeded();
    }
}
