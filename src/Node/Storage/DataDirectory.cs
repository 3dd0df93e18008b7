using Kv.Common.Identity;

namespace Kv.Node.Storage;

/// <summary>
/// The one place where a node keeps what must survive it, and with it the node's <see cref="Incarnation"/>: the directory is made once, for one cluster
/// and one address, and serves one process at a time. The lock goes with the process, however it ends.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string IdentityName = "identity";
    private const string LockName = "lock";
    private const string StoreName = "store";

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream @lock, NodeIdentity identity, bool isNew)
    {
        Path = path;
        _lock = @lock;
        Incarnation = identity.Incarnation;
        IsNew = isNew;
    }

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>Where the storage engine keeps its files.</summary>
    public string StorePath => StorePathIn(Path);

    public Incarnation Incarnation { get; }

    /// <summary>True when the directory was made just now: the incarnation is new and the store empty.</summary>
    public bool IsNew { get; }

    /// <summary>
    /// 1. makes the directory, 2. locks it, 3. reads whose it is, or makes it this node's. <paramref name="newIncarnation"/> is asked until it gives
    /// something other than zero. Throws <see cref="DataDirectoryRefusedException"/>.
    /// </summary>
    public static DataDirectory Open(string path, ClusterId cluster, NodeAddress address, Func<ulong> newIncarnation)
    {
        path = System.IO.Path.GetFullPath(path);
        FileStream? held = null;
        try
        {
            Make(path);
            held = Lock(path);
            var found = Find(path);
            if (found is not null) return new(path, held, Admit(path, found, cluster, address), isNew: false);
            var made = new NodeIdentity(cluster, address, Draw(newIncarnation));
            DurableFile.Replace(System.IO.Path.Combine(path, IdentityName), IdentityFile.Write(made));
            return new(path, held, made, isNew: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held?.Dispose();
            throw new DataDirectoryRefusedException($"The data directory {path} is not writable: {e.Message}", e);
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    public void Dispose() => _lock.Dispose();

    private static void Make(string path)
    {
        if (Directory.Exists(path)) return;
        Directory.CreateDirectory(path);
        // Else the whole directory, with all that was acknowledged meanwhile, could be missing after a power cut.
        if (System.IO.Path.GetDirectoryName(path) is { } parent) DurableFile.SyncDirectory(parent);
    }

    private static FileStream Lock(string path)
    {
        try
        {
            return new(System.IO.Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsHeldElsewhere(e))
        {
            throw new DataDirectoryRefusedException($"The data directory {path} is in use by another process: stop that one, or give this node a directory of its own.", e);
        }
    }

    // EWOULDBLOCK on Linux and on macOS, ERROR_SHARING_VIOLATION on Windows.
    private static bool IsHeldElsewhere(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);

    private static NodeIdentity? Find(string path)
    {
        var file = System.IO.Path.Combine(path, IdentityName);
        if (!File.Exists(file))
        {
            // The identity is written before anything else, so data without one did not begin here. To go on under a new incarnation would be to
            // forget which writes were this node's own.
            if (!Directory.Exists(StorePathIn(path))) return null;
            throw new DataDirectoryRefusedException($"The data directory {path} holds data, but its identity file is missing: restore it, or move the directory away.");
        }

        try
        {
            return IdentityFile.Read(File.ReadAllBytes(file), out var format)
                ?? throw new DataDirectoryRefusedException(
                    $"The data directory {path} has format {format}, and this build knows formats up to {IdentityFile.Format}: start it with the newer build that made it.");
        }
        catch (FormatException e)
        {
            throw new DataDirectoryRefusedException($"The identity file of the data directory {path} is damaged ({e.Message}): restore it, or move the directory away.", e);
        }
    }

    private static NodeIdentity Admit(string path, NodeIdentity found, ClusterId cluster, NodeAddress address)
    {
        if (found.Cluster != cluster)
            throw new DataDirectoryRefusedException($"The data directory {path} belongs to cluster {found.Cluster}, and this node to cluster {cluster}.");
        if (!found.Address.Equals(address))
        {
            throw new DataDirectoryRefusedException(
                $"The data directory {path} was made for the node at {found.Address}, and this node is at {address}: it looks copied, and two nodes must not share an identity.");
        }

        return found;
    }

    private static Incarnation Draw(Func<ulong> newIncarnation)
    {
        ulong drawn;
        do drawn = newIncarnation();
        while (drawn == 0);
        return new(drawn);
    }

    private static string StorePathIn(string path) => System.IO.Path.Combine(path, StoreName);
}
