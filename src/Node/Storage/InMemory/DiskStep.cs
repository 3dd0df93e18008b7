namespace Kv.Node.Storage.InMemory;

/// <summary>What is about to happen to a write; a crash or a failure there leaves what the step before left.</summary>
internal enum DiskStep
{
    /// <summary>The write is handed to the disk, where a crash may lose it. A trim is visible from then on.</summary>
    Write,

    /// <summary>Everything handed over so far is made durable, and then visible. Does not happen for a trim.</summary>
    Sync,

    /// <summary>The writer is told. A crash here loses nothing but the news.</summary>
    Acknowledge,
}
