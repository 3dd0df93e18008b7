using Kv.TestSupport;

namespace Kv.Node.Tests;

/// <summary>One node that the tests of the doors share; every test uses keys of its own.</summary>
public sealed class SingleNode : IAsyncLifetime
{
    private InProcessNode? _node;

    public KvClient Client => Node.Client;

    internal InProcessNode Node => _node!;

    /// <summary>A key that no other test uses, up to 50 characters.</summary>
    public static string NewKey(string name = "key") => $"{name}-{Guid.NewGuid().ToString("N")[..16]}";

    public async ValueTask InitializeAsync() => _node = await InProcessNode.StartAsync(options: ["--Requests:CausalWait=00:00:00.3"]);

    public ValueTask DisposeAsync() => Node.DisposeAsync();
}

[CollectionDefinition(nameof(SingleNode))]
public sealed class SingleNodeCollection : ICollectionFixture<SingleNode>;
