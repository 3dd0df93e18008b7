namespace Kv.Node.Storage;

/// <summary>How much room the disk has left.</summary>
internal enum StorageRoom
{
    /// <summary>Not even what peers send is taken in: they keep it, and send it when there is room again.</summary>
    None,

    /// <summary>Clients' writes are refused; what peers have acknowledged already is still taken in.</summary>
    Reserve,

    /// <summary>Everything is taken in.</summary>
    Ample,
}
