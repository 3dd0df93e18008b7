using Kv.Common.Identity;

namespace Kv.Node.Hosting;

/// <summary><c>Kv.Node --healthcheck</c>: asks the node of this environment whether it is ready; for images without curl. Exit code 0 or 1.</summary>
internal static class HealthCheck
{
    public static async Task<int> RunAsync()
    {
        var port = NodeAddress.TryParse(Environment.GetEnvironmentVariable("SOCKET_ADDRESS"), out var self) ? self.Port : 8080;
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        try
        {
            using var answer = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/readyz"));
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or OperationCanceledException)
        {
            return 1;
        }
    }
}
