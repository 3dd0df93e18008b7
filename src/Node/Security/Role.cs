namespace Kv.Node.Security;

/// <summary>What the holder of an API key may do. Each may do what those before it may. Named in files: append only.</summary>
internal enum Role
{
    /// <summary>See everything that REST shows: values, the view, shards, metrics.</summary>
    Read = 1,

    /// <summary>Change keys as well.</summary>
    Write = 2,

    /// <summary>Change the cluster as well: its view, shards, backups.</summary>
    Admin = 3,
}
