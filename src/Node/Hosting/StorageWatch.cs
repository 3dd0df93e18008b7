using Kv.Node.Storage;

namespace Kv.Node.Hosting;

/// <summary>
/// Ends the node when its storage fails. A failed write ends its writer anyway; a read that met damage has only failed its own request, and the next one might be answered from what is
/// damaged in another way.
/// </summary>
internal sealed class StorageWatch(IStorageEngine storage)
{
    /// <summary>Throws the <see cref="StorageFailedException"/> that the storage fails with.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            throw (await storage.Health.WaitAsync(health => health.Failure is not null, cancellation)).Failure!;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }
}
