using Grpc.Core;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>A cluster of processes with TLS, certificates among nodes and API keys, and those who have none of it.</summary>
public sealed class SecuredClusterTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-secured-").FullName;
    private readonly TestAuthority _authority = new();

    [Fact]
    public async Task It_forms_grows_replicates_and_reshards_and_who_has_no_certificate_or_key_takes_no_part_in_it()
    {
        var (admin, adminLine) = TestKeys.Make("ops", "admin");
        var (reader, readerLine) = TestKeys.Make("reader", "read");
        await File.WriteAllLinesAsync(KeysFile, [adminLine, readerLine]);
        await using var cluster = await LocalCluster.StartAsync(3, 1, (index, _) => SettingsOf(index), new(_authority, admin));
        await cluster.JoinAsync(SettingsOf(3));
        await cluster.UntilSealedAsync();

        // 1. It replicates: written here, read there with the token of the write.
        var written = await cluster[0].Client.PutAsync("k", "\"v\"", query: "?w=all");
        Assert.Equal(201, written.Status);
        Assert.Equal("\"v\"", (await cluster[3].Client.GetAsync("k", written.Token)).RawValue);

        // 2. It reshards.
        var resharded = await cluster[1].Client.ReshardAsync(2);
        Assert.True(resharded.Status == 200, resharded.ToString());
        Assert.Equal("\"v\"", (await cluster[2].Client.GetAsync("k", written.Token)).RawValue);

        // 3. A node without a certificate, and one with another authority's, find nobody.
        var members = await cluster[0].Client.ViewAsync();
        foreach (var settings in (IReadOnlyDictionary<string, string>[])[new Dictionary<string, string>(), new TestAuthority().Write(Path.Combine(_directory, "foreign"), isForRest: false)])
            await FindsNobodyAsync(cluster, settings);
        Assert.Equal(members, await cluster[0].Client.ViewAsync());

        // 4. Nor can one ask for data at the peer port, or reshard without a key that may.
        foreach (var secret in (string[])["", "another secret"])
        {
            using var stranger = new PeerProbe("127.0.0.1", cluster[0].PeerPort, secret);
            await Assert.ThrowsAsync<RpcException>(() => stranger.RecordAsync("k", Soon));
        }

        foreach (var (key, status) in ((string?, int)[])[(null, 401), (reader, 403)])
        {
            using var client = new KvClient(cluster[0].Address, keys: new(_authority, key));
            Assert.Equal(status, (await client.ReshardAsync(1)).Status);
        }
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string KeysFile => Path.Combine(_directory, "keys");

    private Dictionary<string, string> SettingsOf(int node) => new(_authority.Write(Path.Combine(_directory, KvClient.Number(node))))
    {
        ["KV_API_KEYS_FILE"] = KeysFile,
        ["KV_CLUSTER_SECRET"] = "a secret of the cluster",
    };

    private async Task FindsNobodyAsync(LocalCluster cluster, IReadOnlyDictionary<string, string> settings)
    {
        var port = NodePorts.Take();
        var address = $"127.0.0.1:{port}";
        await using var stranger = new LocalNode(port, port + NodePorts.PeerOffset, new Dictionary<string, string>(settings)
        {
            ["SOCKET_ADDRESS"] = address,
            ["VIEW"] = string.Join(',', cluster.Addresses.Append(address)),
            ["KV_DATA_DIR"] = Path.Combine(_directory, $"data-{port}"),
        });
        stranger.Start();
        // It has asked all of them, and heard nothing from any.
        await Eventually.Async(
            () => Task.FromResult(stranger.Process.Log),
            log => log.Contains($"waiting for {string.Join(',', cluster.Addresses)}", StringComparison.Ordinal),
            Soon,
            "the stranger waits for the whole cluster");
        Assert.Equal(503, (await stranger.Client.GetPathAsync("/key-value-store-view")).Status);
    }
}
