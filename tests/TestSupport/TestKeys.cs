using Kv.Node.Security;

namespace Kv.TestSupport;

/// <summary>API keys for tests.</summary>
public static class TestKeys
{
    /// <summary>A new key of a role (read, write, admin), and its line in the file of keys.</summary>
    public static (string Key, string Line) Make(string name, string role)
    {
        var (key, known) = ApiKey.Make(name, ApiKey.TryParseRole(role, out var parsed) ? parsed : throw new ArgumentException("No such role.", nameof(role)));
        return (key, known.ToString());
    }
}
