using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Kv.Common.Identity;
using Kv.Node.Peers;
using Kv.Node.Security;
using Kv.TestSupport;
using Kv.Wire;

namespace Kv.Node.Tests.Security;

/// <summary>Who is let in at the peer port.</summary>
public sealed class PeerDoorTests : IDisposable
{
    private const string Secret = "a secret of the cluster";

    private readonly TestAuthority _authority = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-peers-").FullName;

    [Fact]
    public async Task A_certificate_of_the_clusters_authority_opens_and_nothing_else_does()
    {
        await using var node = await StartAsync();
        await IsPeerAsync(node, TestPeers.Like(_authority.Write(Path.Combine(_directory, "peer"))));
        await IsStrangerAsync(node, null);
        await IsStrangerAsync(node, TestPeers.Knowing(Secret));
        await IsStrangerAsync(node, TestPeers.Showing(new TestAuthority().Issue()));
        await IsStrangerAsync(node, TestPeers.Showing(_authority.Issue(DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(-1))));
        await IsStrangerAsync(node, TestPeers.Showing(_authority.Issue(DateTimeOffset.UtcNow.AddDays(1), DateTimeOffset.UtcNow.AddDays(9))));
    }

    [Fact]
    public async Task A_node_gives_nothing_to_one_that_only_looks_like_a_peer()
    {
        await using var impostor = await StartAsync(new TestAuthority());
        using var channels = new PeerChannels(new(), TestPeers.Like(_authority.Write(Path.Combine(_directory, "peer"))));
        await IsRefusedAsync(() => CallAsync(channels.To(NodeAddress.Parse(impostor.Address), PeerTraffic.Heartbeats)));
    }

    [Fact]
    public async Task The_clusters_secret_opens_and_nothing_else_does()
    {
        await using var node = await InProcessNode.StartAsync(options: [$"--KV_CLUSTER_SECRET={Secret}", "--KV_ACCEPTED_SECRETS=the one before"]);
        await IsPeerAsync(node, TestPeers.Knowing(Secret));
        await IsStrangerAsync(node, null);
        await IsStrangerAsync(node, TestPeers.Knowing(Secret + "x"));
        await IsStrangerAsync(node, TestPeers.Showing(_authority.Issue()));
        // It is accepted here, but whoever knows no other does not accept this node.
        await IsStrangerAsync(node, TestPeers.Knowing("the one before"));
        await IsPeerAsync(node, TestPeers.Showing(SecretIdentity.CertificateOf("the one before"u8).Leaf));
    }

    [Fact]
    public async Task A_node_with_neither_is_open()
    {
        await using var node = await InProcessNode.StartAsync();
        await IsPeerAsync(node, null);
    }

    [Fact]
    public async Task What_a_peer_said_is_worth_nothing_when_it_is_said_again()
    {
        await using var node = await InProcessNode.StartAsync(options: [$"--KV_CLUSTER_SECRET={Secret}"]);
        var said = new MemoryStream();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var overhearing = OverhearAsync(listener, node.Port + NodePorts.PeerOffset, said);
        using (var channel = PeerProbe.Open("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, TestPeers.Knowing(Secret))) await CallAsync(channel);
        await overhearing;

        using var again = new TcpClient("127.0.0.1", node.Port + NodePorts.PeerOffset);
        await again.GetStream().WriteAsync(said.ToArray());
        var heard = new MemoryStream();
        using var bound = new CancellationTokenSource(SecuredNode.Soon);
        try
        {
            await again.GetStream().CopyToAsync(heard, bound.Token);
        }
        catch (IOException)
        {
            // Ended by a reset.
        }

        Assert.False(bound.IsCancellationRequested);
    }

    [Fact]
    public async Task Certificates_and_authority_are_exchanged_while_streams_go_on()
    {
        var next = new TestAuthority("the next authority");
        await using var node = await StartAsync();
        using var kept = PeerProbe.Open("127.0.0.1", node.Port + NodePorts.PeerOffset, TestPeers.Like(_authority.Write(Path.Combine(_directory, "peer"))));
        await CallAsync(kept);
        next.Write(Path.Combine(_directory, "node"));
        var after = TestPeers.Like(next.Write(Path.Combine(_directory, "next")));
        await Eventually.Async(async () => await Record.ExceptionAsync(() => CallOnceAsync(node, after)) is null, SecuredNode.Soon, "the next authority's peers are let in");
        await CallAsync(kept);
        await IsStrangerAsync(node, TestPeers.Showing(_authority.Issue()));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private Task<InProcessNode> StartAsync(TestAuthority? authority = null) => InProcessNode.StartAsync(
        options: [$"--KV_CLUSTER_SECRET={Secret}", "--Tls:ReloadInterval=00:00:00.05", .. SecuredNode.Arguments((authority ?? _authority).Write(Path.Combine(_directory, "node"), isForRest: false))]);

    private static async Task IsPeerAsync(InProcessNode node, PeerTls? shown)
    {
        using var channel = PeerProbe.Open("127.0.0.1", node.Port + NodePorts.PeerOffset, shown);
        foreach (var call in Services(channel)) await call();
    }

    private static async Task IsStrangerAsync(InProcessNode node, PeerTls? shown)
    {
        using var channel = PeerProbe.Open("127.0.0.1", node.Port + NodePorts.PeerOffset, shown);
        foreach (var call in Services(channel)) await IsRefusedAsync(call);
    }

    // By the connection, not by a service: as what it comes out depends on who gave it up, and when.
    private static async Task IsRefusedAsync(Func<Task> call)
    {
        var refused = await Record.ExceptionAsync(call);
        Assert.True(refused is IOException or RpcException { StatusCode: StatusCode.Unavailable or StatusCode.Internal }, refused?.ToString() ?? "It was let in.");
    }

    // One call of each service: the topology, votes, replication, forwarding, filling, heartbeats, health, reflection.
    private static IEnumerable<Func<Task>> Services(GrpcChannel channel)
    {
        yield return () => CallAsync(channel);
        yield return () => new Kv.Wire.Replication.ReplicationClient(channel).GetVectorAsync(new()).ResponseAsync;
        yield return () => new Kv.Wire.Membership.MembershipClient(channel).ListPeersAsync(new()).ResponseAsync;
        yield return () => new Forwarding.ForwardingClient(channel).ForwardAsync(new() { Operation = Operation.Get, Key = Google.Protobuf.ByteString.CopyFromUtf8("k") }).ResponseAsync;
        yield return () => new Health.HealthClient(channel).CheckAsync(new()).ResponseAsync;
        yield return async () =>
        {
            using var call = new global::Grpc.Reflection.V1Alpha.ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
            await call.RequestStream.WriteAsync(new() { ListServices = "" });
            await call.RequestStream.CompleteAsync();
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        };
    }

    private static async Task CallAsync(GrpcChannel channel) => await new ControlPlane.ControlPlaneClient(channel).GetTopologyAsync(new());

    private static async Task CallOnceAsync(InProcessNode node, PeerTls? shown)
    {
        using var channel = PeerProbe.Open("127.0.0.1", node.Port + NodePorts.PeerOffset, shown);
        await CallAsync(channel);
    }

    // One connection, handed on; what its client says is kept.
    private static async Task OverhearAsync(TcpListener listener, int port, MemoryStream said)
    {
        using var client = await listener.AcceptTcpClientAsync();
        using var node = new TcpClient("127.0.0.1", port);
        var back = node.GetStream().CopyToAsync(client.GetStream());
        var buffer = new byte[64 << 10];
        try
        {
            while (await client.GetStream().ReadAsync(buffer) is > 0 and var count)
            {
                said.Write(buffer, 0, count);
                await node.GetStream().WriteAsync(buffer.AsMemory(0, count));
            }
        }
        catch (IOException)
        {
            // The client has gone.
        }

        node.Close();
        await Record.ExceptionAsync(() => back);
    }
}
