namespace Kv.Node.Storage;

/// <summary>How much room the disk has left. Values are those of the metric <c>kv.storage.room</c>.</summary>
internal enum StorageRoom
{
    /// <summary>Not even what peers send is taken in: they keep it, and send it when there is room again.</summary>
    None = 0,

    /// <summary>Clients' writes are refused; what peers have acknowledged already is still taken in.</summary>
    Reserve = 1,

    /// <summary>Everything is taken in.</summary>
    Ample = 2,
}
