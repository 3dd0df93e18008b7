namespace Kv.Node.Storage;

/// <summary>
/// Judges the free space of the file system that holds a directory. Asked before every commit, so that the engine never meets the end of the disk in
/// the middle of one: what a failed batch left behind is known only after a restart, and a restart needs room as well.
/// </summary>
internal sealed class FreeSpace(string directory, StorageOptions options)
{
    private readonly DriveInfo _drive = new(directory);

    public StorageRoom Look()
    {
        if (options.MinFreeBytes == 0) return StorageRoom.Ample;
        long free;
        try
        {
            free = _drive.AvailableFreeSpace;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            // A file system that does not tell is left to the engine, whose own failure stops the node.
            return StorageRoom.Ample;
        }

        return free >= options.MinFreeBytes ? StorageRoom.Ample : free >= options.FloorFreeBytes ? StorageRoom.Reserve : StorageRoom.None;
    }
}
