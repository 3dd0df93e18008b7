using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kv.Node.Hosting;
using Kv.Node.Security;
using Kv.Node.Tests.Rest;
using Kv.TestSupport;

namespace Kv.Node.Tests.Security;

/// <summary>TLS of the REST door.</summary>
public sealed class RestTlsTests : IAsyncLifetime
{
    private readonly TestAuthority _authority = new();
    private SecuredNode? _secured;

    private SecuredNode Secured => _secured!;

    public async ValueTask InitializeAsync() => _secured = await SecuredNode.StartAsync(_authority);

    public ValueTask DisposeAsync() => Secured.DisposeAsync();

    [Fact]
    public async Task It_is_spoken_by_those_who_believe_the_authority_and_by_nobody_in_clear()
    {
        AnswerAssert.Stored(await Secured.As(Role.Write).PutAsync("k", "1"), replaced: false);
        using var sceptic = new KvClient(Secured.Node.Address, keys: new(new TestAuthority(), Secured.KeyOf(Role.Admin)));
        Assert.IsType<AuthenticationException>((await Assert.ThrowsAsync<HttpRequestException>(() => sceptic.GetPathAsync("/livez"))).InnerException);
        using var clear = await RawConnection.OpenAsync(Secured.Node.Port);
        await clear.SendAsync("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.DoesNotContain("HTTP/1.1", await clear.TryReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
#pragma warning disable CA5397, SYSLIB0039 // That it is refused is what is tested.
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore CA5397, SYSLIB0039
    public async Task It_is_of_today(SslProtocols protocol, bool isSpoken)
    {
        var spoken = await Record.ExceptionAsync(async () => (await ShakeHandsAsync(protocol)).Dispose()) is null;
        Assert.Equal(isSpoken, spoken);
    }

    [Fact]
    public async Task A_certificate_is_exchanged_while_connections_go_on_and_a_bad_one_is_not_taken()
    {
        var (kept, before) = (Secured.As(Role.Write), await ShownAsync());
        Assert.Equal(201, (await kept.PutAsync("k", "1")).Status);

        using var refusals = new Refusals("rest");
        await File.WriteAllTextAsync(Path.Combine(Secured.Directory, "node.pem"), "nonsense");
        await refusals.SeenAsync();
        Assert.Equal(before, await ShownAsync());

        _authority.Write(Secured.Directory, isForPeers: false);
        await Eventually.Async(async () => await ShownAsync() != before, SecuredNode.Soon, "the new certificate is shown");
        Assert.Equal(200, (await kept.PutAsync("k", "2")).Status);
        Assert.InRange(Assert.Single(Secured.Node.Service<NodeSecurity>().Expiries(DateTimeOffset.UtcNow)).Seconds, 29 * 86400, 30 * 86400);
    }

    [Fact]
    public async Task The_health_check_speaks_it_too()
    {
        string[] settings = [$"--SOCKET_ADDRESS={Secured.Node.Address}", .. SecuredNode.Arguments(_authority.Write(Path.Combine(Secured.Directory, "elsewhere"), isForPeers: false))];
        Assert.Equal(0, await HealthCheck.RunAsync(settings));
        Assert.Equal(1, await HealthCheck.RunAsync(settings[..1]));
    }

    private async Task<string> ShownAsync()
    {
        using var stream = await ShakeHandsAsync(SslProtocols.None);
        return stream.RemoteCertificate!.GetCertHashString();
    }

    private async Task<SslStream> ShakeHandsAsync(SslProtocols protocols)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Secured.Node.Port);
        var stream = new SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocols,
                CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _authority.Certificate }, RevocationMode = X509RevocationMode.NoCheck },
            });
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }
}
