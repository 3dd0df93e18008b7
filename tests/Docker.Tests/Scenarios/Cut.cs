using Kv.Docker.Tests.Scripts;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>
/// No packet passes between one node and some others, in either direction, until disposed. The rules live in the network
/// namespace of the one node's container: the machine's own are not touched, and they vanish with the container.
/// </summary>
internal sealed class Cut : IAsyncDisposable
{
    private readonly List<string[]> _rules = [];
    private readonly string _nsenter = Machine.AdministratorsTool("nsenter");
    private readonly string _iptables = Machine.AdministratorsTool("iptables");
    private readonly string _processId;

    private Cut(string processId) => _processId = processId;

    public static async Task<Cut> BetweenAsync(Node one, params IEnumerable<Node> others)
    {
        var cut = new Cut(await Shell.InspectAsync(one.Name, "{{.State.Pid}}"));
        foreach (var other in others)
        {
            await cut.AddAsync(["INPUT", "--source", other.Ip, "--jump", "DROP"]);
            await cut.AddAsync(["OUTPUT", "--destination", other.Ip, "--jump", "DROP"]);
        }

        return cut;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var rule in _rules)
        {
            await IptablesAsync(["--delete", .. rule]);
        }
    }

    private async Task AddAsync(string[] rule)
    {
        await IptablesAsync(["--append", .. rule]);
        _rules.Add(rule);
    }

    private async Task IptablesAsync(string[] arguments) =>
        (await Shell.RunAsync(_nsenter, ["--target", _processId, "--net", _iptables, .. arguments])).Succeeded();
}
