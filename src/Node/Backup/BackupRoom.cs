using Kv.Node.Replica;
using Kv.Node.Storage;

namespace Kv.Node.Backup;

/// <summary>
/// Room for the snapshots of backups. What is overwritten is kept for a snapshot, also while nobody reads on, so a donor's conversation goes on only while the disk has room for clients' writes, which
/// need it more.
/// </summary>
internal sealed class BackupRoom(ReplicaState replica, ReplicaOptions options, TimeProvider time)
{
    /// <summary>Runs <paramref name="conversation"/>, and breaks it off when there is no room, whatever it waits for; throws <see cref="BackupRefusedException"/> with <paramref name="complaint"/> then.</summary>
    public async Task WhileThereIsRoomAsync(Func<CancellationToken, Task> conversation, string complaint, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var isFull = false;
        var serving = conversation(ending.Token);
        while (!serving.IsCompleted && !ending.IsCancellationRequested)
        {
            if (replica.Room is StorageRoom.Ample)
            {
                await Task.WhenAny(serving, Task.Delay(options.RoomInterval, time, ending.Token));
                continue;
            }

            isFull = true;
            ending.Cancel();
        }

        try
        {
            await serving;
        }
        catch (Exception ended) when (ended is not StorageFailedException && isFull && !cancellation.IsCancellationRequested)
        {
            throw new BackupRefusedException(complaint);
        }
        finally
        {
            // The wait that is left.
            ending.Cancel();
        }
    }
}
