using Kv.Node.Security;
using Kv.TestSupport;

namespace Kv.Node.Tests.Security;

/// <summary>A node in this process with a key of each role, and, if asked, TLS; its files can be exchanged.</summary>
internal sealed class SecuredNode : IAsyncDisposable
{
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly Dictionary<Role, string> _keys = [];
    private readonly List<KvClient> _clients = [];
    private InProcessNode? _node;

    private SecuredNode(TestAuthority? authority) => Authority = authority;

    public TestAuthority? Authority { get; }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("kv-secured-").FullName;

    public string KeysFile => Path.Combine(Directory, "keys");

    public InProcessNode Node => _node!;

    public static async Task<SecuredNode> StartAsync(TestAuthority? authority = null, params string[] options)
    {
        var secured = new SecuredNode(authority);
        var lines = new List<string>();
        foreach (var role in Enum.GetValues<Role>())
        {
            (secured._keys[role], var known) = ApiKey.Make($"the-{role}", role);
            lines.Add(known.ToString());
        }

        await File.WriteAllLinesAsync(secured.KeysFile, lines);
        secured._node = await InProcessNode.StartSecuredAsync(
            new(authority, secured._keys[Role.Admin]),
            options: ["--KV_API_KEYS_FILE=" + secured.KeysFile, "--Tls:ReloadInterval=00:00:00.05", .. authority is null ? [] : Arguments(authority.Write(secured.Directory, isForPeers: false)), .. options]);
        return secured;
    }

    /// <summary>Variables as arguments.</summary>
    public static string[] Arguments(IReadOnlyDictionary<string, string> settings) => [.. settings.Select(setting => $"--{setting.Key.Replace("__", ":", StringComparison.Ordinal)}={setting.Value}")];

    public string KeyOf(Role role) => _keys[role];

    /// <summary>A client with the key of this role, or none.</summary>
    public KvClient As(Role? role) => With(role is { } known ? _keys[known] : null);

    /// <summary>A client with this key.</summary>
    public KvClient With(string? key)
    {
        var client = new KvClient(Node.Address, keys: new(Authority, key));
        _clients.Add(client);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        if (_node is not null) await _node.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
