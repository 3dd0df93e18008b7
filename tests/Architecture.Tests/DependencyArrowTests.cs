using Mono.Cecil;

namespace Kv.Architecture.Tests;

public sealed class DependencyArrowTests
{
    [Fact]
    public void Every_usage_in_the_node_follows_the_arrows()
    {
        using var node = Read("Kv.Node");
        Assert.Equal("", new Building("Kv.Node").Violations(Usage.In(node)));
    }

    [Fact]
    public void Every_exception_to_the_arrows_is_still_needed()
    {
        using var node = Read("Kv.Node");
        Assert.Empty(new Building("Kv.Node").UnneededExceptions(Usage.In(node)));
    }

    [Fact]
    public void Common_uses_no_project_and_no_library_beyond_the_framework_and_its_hashing()
    {
        using var common = Read("Kv.Common");
        Assert.All(common.AssemblyReferences, reference => Assert.StartsWith("System.", reference.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void Common_is_calculation_only()
    {
        using var common = Read("Kv.Common");
        Assert.DoesNotContain(Usage.In(common), usage => Rules.NotInCommon.Any(banned => Building.IsIn(usage.Used, banned)));
    }

    // A check that finds nothing must be known to find something.
    [Fact]
    public void Planted_violations_are_found()
    {
        using var tests = Read("Kv.Architecture.Tests");
        Assert.Equal(
            """
            Lobby.Stray: in no room that the rules know
            Peers.Chatty → Requests.Commands: Peers may not use Requests
            Requests.Commands → Kv.Wire.Planted: Kv.Wire does not belong in Requests
            Rest.Door → Hosting.Options: Rest may not use Hosting
            Rest.Door → Replica.State: Rest may not use Replica
            Rest.Door → Storage.Engine: Rest may not use Storage
            Signals.Leaf → Storage.Engine: Signals may not use Storage
            Storage.Engine → Replica.State: Storage may not use Replica
            """,
            new Building("Kv.Architecture.Tests.Fixture").Violations(Usage.In(tests)));
    }

    private static ModuleDefinition Read(string assembly) => ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
}
