namespace Kv.Node.Security;

/// <summary>
/// Looks at the files of keys and certificates again and again. By polling: notifications do not cross every kind of mount, and a link that is exchanged does not give one. Hosted beside the
/// node's loops, because it also runs while a node still looks for its cluster.
/// </summary>
internal sealed class SecurityWatch(NodeSecurity security, TlsOptions options, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (security.Watched.Count > 0)
            {
                await Task.Delay(options.ReloadInterval, time, stoppingToken);
                foreach (var watched in security.Watched) watched.Look();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }
}
