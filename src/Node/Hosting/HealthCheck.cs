using System.Net.Security;
using Kv.Common.Identity;

namespace Kv.Node.Hosting;

/// <summary><c>Kv.Node --healthcheck</c>: asks the node of these settings whether it is ready; for images without curl. Exit code 0 or 1.</summary>
internal static class HealthCheck
{
    public static async Task<int> RunAsync(string[] args)
    {
        var settings = NodeHost.CreateBuilder(args).Configuration;
        var port = NodeAddress.TryParse(settings["SOCKET_ADDRESS"], out var self) ? self.Port : 8080;
        var scheme = string.IsNullOrEmpty(settings["Tls:CertificateFile"]) ? "http" : "https";
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            // The node is on this machine, its certificate is for the names that others know it by, and nothing is told to it.
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null },
        };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(4) };
        try
        {
            using var answer = await client.GetAsync(new Uri($"{scheme}://127.0.0.1:{port}/readyz"));
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or OperationCanceledException)
        {
            return 1;
        }
    }
}
