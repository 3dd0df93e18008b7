using Kv.Node.Hosting;
using Kv.Node.Security;
using Kv.TestSupport;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Security;

public sealed class SecuritySettingsTests : IDisposable
{
    private static readonly TestAuthority Authority = new();

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-security-").FullName;

    [Fact]
    public void Nothing_is_on_by_itself_and_each_open_door_is_named_with_what_closes_it()
    {
        var open = string.Join('\n', Read([]).Security.Open());
        foreach (var setting in (string[])["Tls:PeerCertificateFile", "KV_CLUSTER_SECRET", "KV_API_KEYS_FILE", "Tls:CertificateFile"]) Assert.Contains(setting, open, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_is_said_all_at_once()
    {
        File.WriteAllText(In("keys"), "nonsense");
        File.WriteAllText(In("ca.pem"), "nonsense");
        var refused = Refused(new(Authority.Write(In("node"), isForPeers: false, certificate: Authority.Issue(DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(-1))).ToDictionary())
        {
            ["Tls__PeerCertificateFile"] = In("missing.pem"),
            ["Tls__PeerKeyFile"] = In("missing.key"),
            ["Tls__PeerCaFile"] = In("ca.pem"),
            ["KV_API_KEYS_FILE"] = In("keys"),
            ["KV_ACCEPTED_SECRETS"] = "one",
            ["Clients__MaxTracked"] = "0",
        });
        foreach (var wrong in (string[])["Tls:CertificateFile: the certificate", "expired on", "missing.pem cannot be read", "KV_API_KEYS_FILE: line 1", "KV_ACCEPTED_SECRETS", "Clients:MaxTracked"])
            Assert.Contains(wrong, refused, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_another_certificates_is_refused()
    {
        var settings = Authority.Write(In("node"), isForPeers: false).ToDictionary();
        settings["Tls__KeyFile"] = Authority.Write(In("other"), isForPeers: false)["Tls__KeyFile"];
        Assert.Contains("does not hold the private key", Refused(settings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_peers_would_refuse_is_refused_by_its_own_node()
    {
        var settings = Authority.Write(In("node")).ToDictionary();
        settings["Tls__PeerCaFile"] = new TestAuthority().Write(In("other"))["Tls__PeerCaFile"];
        Assert.Contains("is not the certificate of a peer", Refused(settings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_no_certificate_can_carry_is_refused()
    {
        var settings = Authority.Write(In("node")).ToDictionary();
        settings["Tls__PeerName"] = "*.kv";
        Assert.Contains("Tls:PeerName: '*.kv' is not a DNS name.", Refused(settings), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_belong_together_are_asked_for_together()
    {
        var settings = Authority.Write(In("node")).ToDictionary();
        settings.Remove("Tls__KeyFile");
        settings.Remove("Tls__PeerCaFile");
        var refused = Refused(settings);
        Assert.Contains("Tls:CertificateFile and Tls:KeyFile go together", refused, StringComparison.Ordinal);
        Assert.Contains("Tls:PeerKeyFile and Tls:PeerCaFile go together", refused, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_whole_is_accepted()
    {
        File.WriteAllText(In("keys"), ApiKey.Make("ops", Role.Admin).Known.ToString());
        Assert.Empty(Read(new(Authority.Write(In("node")).ToDictionary()) { ["KV_API_KEYS_FILE"] = In("keys"), ["KV_CLUSTER_SECRET"] = "a long enough secret" }).Security.Open());
    }

    [Fact]
    public async Task The_command_line_makes_a_key_and_refuses_what_is_no_role()
    {
        var output = new StringWriter();
        Assert.Equal(0, await CommandLine.TryServeAsync(["--make-api-key", "ops", "admin"], output));
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        File.WriteAllText(In("keys"), lines[1]);
        Assert.Equal(Role.Admin, ApiKeys.Load("KV_API_KEYS_FILE", In("keys")).Find(lines[0].Trim())?.Role);
        foreach (var wrong in (string[][])[["--make-api-key"], ["--make-api-key", "ops"], ["--make-api-key", "ops", "root"], ["--make-api-key", "o ps", "read"]])
            await Assert.ThrowsAsync<InvalidOptionsException>(() => CommandLine.TryServeAsync(wrong, output));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string In(string name) => Path.Combine(_directory, name);

    private static string Refused(Dictionary<string, string> settings) => Assert.Throws<InvalidOptionsException>(() => Read(settings)).Message;

    private static NodeOptions Read(Dictionary<string, string> settings) => NodeOptions.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key.Replace("__", ":", StringComparison.Ordinal), (string?)setting.Value))).Build());
}
