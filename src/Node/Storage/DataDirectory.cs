using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Storage;

/// <summary>
/// The one place where a node keeps what must survive it, and with it the node's <see cref="Incarnation"/>: the directory is claimed once, for one cluster
/// and one address, and serves one process at a time. The lock goes with the process, however it ends.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string IdentityName = "identity";
    private const string LockName = "lock";
    private const string StoreName = "store";

    private readonly FileStream _lock;
    private readonly NodeAddress _address;

    private DataDirectory(string path, FileStream @lock, NodeAddress address, NodeIdentity? owner, ClusterTopology? genesis)
    {
        Path = path;
        _lock = @lock;
        _address = address;
        Owner = owner;
        Genesis = genesis;
    }

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>Where the storage engine keeps its files.</summary>
    public string StorePath => StorePathIn(Path);

    /// <summary>Whose it is; null until it is claimed for the first time.</summary>
    public NodeIdentity? Owner { get; private set; }

    /// <summary>The topology that the owner began from. Null while there is no owner; and in a directory of a build that did not keep it, until it is claimed.</summary>
    public ClusterTopology? Genesis { get; private set; }

    /// <summary>True when nobody owns it because its data were damaged and put aside: a member of a cluster, which must not begin as if there were none yet.</summary>
    public bool IsToBeRebuilt => Owner is null && DamagedData.FindAside(Path) is not null;

    /// <summary>True when the owner takes the place of a node that was removed; see <see cref="RemovedNode"/>.</summary>
    public bool IsUninvited { get; private init; }

    /// <summary>
    /// 1. makes the directory, 2. locks it, 3. reads whose it is. Which cluster that is need not be known yet. Throws
    /// <see cref="DataDirectoryRefusedException"/>, and <see cref="StorageDamagedException"/> when its files are damaged, or the data were found to be.
    /// </summary>
    public static DataDirectory Open(string path, NodeAddress address)
    {
        path = System.IO.Path.GetFullPath(path);
        return Guard(path, () =>
        {
            Make(path);
            var held = Lock(path);
            try
            {
                DamagedData.ThrowIfMarked(path);
                var successors = FindSuccessorsGenesis(path);
                var owner = Find(path);
                if (owner is not null) Check(path, owner, address);
                return new DataDirectory(path, held, address, owner, owner is null ? successors : FindGenesis(path, owner)) { IsUninvited = successors is not null };
            }
            catch
            {
                held.Dispose();
                throw;
            }
        });
    }

    /// <summary>
    /// Makes the directory this node's for good, or finds that it is: the identity and <see cref="Genesis"/> are durable then. An earlier genesis
    /// stays. <paramref name="newIncarnation"/> is asked until it gives something other than zero. Throws <see cref="DataDirectoryRefusedException"/>.
    /// </summary>
    public NodeIdentity Claim(ClusterTopology genesis, Func<ulong> newIncarnation) => Guard(Path, () =>
    {
        if (Owner is { } owner && owner.Cluster != genesis.Cluster)
            throw new DataDirectoryRefusedException($"The data directory {Path} belongs to cluster {owner.Cluster}, and this node to cluster {genesis.Cluster}.");
        if (Genesis is { } known && known.Cluster != genesis.Cluster)
            throw new DataDirectoryRefusedException($"The data directory {Path} belongs to cluster {known.Cluster}, and this node to cluster {genesis.Cluster}.");
        if (Genesis is null || Owner is null) GenesisFile.Write(Path, Genesis ?? genesis);
        Genesis ??= genesis;
        if (Owner is null)
        {
            // After the genesis, so that whoever finds an owner also finds where it began.
            var made = new NodeIdentity(genesis.Cluster, _address, Draw(newIncarnation));
            DurableFile.Replace(System.IO.Path.Combine(Path, IdentityName), IdentityFile.Write(made));
            Owner = made;
        }

        return Owner;
    });

    /// <summary>The owner was removed from its cluster: whoever opens the directory next finds it empty. Durable when it returns.</summary>
    public void MarkRemoved(ClusterTopology topology) => RemovedNode.Mark(Path, Owner!.Incarnation, topology);

    /// <summary>The data are damaged: nobody may open them again before they are put aside. Durable when it returns.</summary>
    public void MarkDamaged(string what) => DamagedData.Mark(Path, what);

    /// <summary>
    /// Puts the data of a directory that is not in use aside, so that it is found empty when it is opened next, and gives the new place; null when there are none. What says that its node was removed
    /// stays. Throws <see cref="DataDirectoryRefusedException"/>.
    /// </summary>
    public static string? PutAside(string path, string why, DateTimeOffset now)
    {
        path = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(path) || !Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) is StoreName or GenesisFile.Name or IdentityName)) return null;
        return Guard(path, () =>
        {
            using var held = Lock(path);
            return DamagedData.PutAside(path, why, now, StoreName, GenesisFile.Name, IdentityName);
        });
    }

    public void Dispose() => _lock.Dispose();

    private static T Guard<T>(string path, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryRefusedException($"The data directory {path} is not writable: {e.Message}", e);
        }
    }

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
            throw new StorageDamagedException($"The data directory {path} holds data, but its identity file is missing.");
        }

        try
        {
            return IdentityFile.Read(File.ReadAllBytes(file), out var format)
                ?? throw new DataDirectoryRefusedException(
                    $"The data directory {path} has format {format}, and this build knows format {IdentityFile.Format}: start it with the build that made it.");
        }
        catch (FormatException e)
        {
            throw new StorageDamagedException($"The identity file of the data directory {path} is damaged: {e.Message}.", e);
        }
    }

    private static ClusterTopology? FindGenesis(string path, NodeIdentity owner)
    {
        try
        {
            return GenesisFile.Read(path, owner.Cluster);
        }
        catch (FormatException e)
        {
            throw new StorageDamagedException($"The genesis file of the data directory {path} is damaged: {e.Message}.", e);
        }
    }

    private static ClusterTopology? FindSuccessorsGenesis(string path)
    {
        try
        {
            RemovedNode.SetAside(path, IdentityName, GenesisFile.Name, StoreName);
            return RemovedNode.SuccessorsGenesis(path);
        }
        catch (FormatException e)
        {
            throw new DataDirectoryRefusedException($"The data directory {path} is that of a removed node, and damaged ({e.Message}): move it away.", e);
        }
    }

    private static void Check(string path, NodeIdentity owner, NodeAddress address)
    {
        if (owner.Address.Equals(address)) return;
        throw new DataDirectoryRefusedException(
            $"The data directory {path} was made for the node at {owner.Address}, and this node is at {address}: it looks copied, and two nodes must not share an identity.");
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
