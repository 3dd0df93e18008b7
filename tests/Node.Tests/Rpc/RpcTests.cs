using System.Buffers.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Kv.Common.Identity;
using Kv.TestSupport;
using Kv.Wire;
using W = Kv.Wire;

namespace Kv.Node.Tests.Rpc;

/// <summary>What a person with grpcurl can do at the peer port, and what the node refuses there.</summary>
[Collection(nameof(SingleNode))]
public sealed class RpcTests
{
    private readonly SingleNode _node;
    private readonly KvClient _rest;
    private readonly ControlPlane.ControlPlaneClient _controlPlane;
    private readonly W.Replication.ReplicationClient _replication;
    private readonly W.Membership.MembershipClient _membership;
    private readonly Forwarding.ForwardingClient _forwarding;
    private readonly NodeIdentity _self;
    private readonly string _key = SingleNode.NewKey();

    public RpcTests(SingleNode node)
    {
        _node = node;
        _rest = node.Client;
        _controlPlane = new(node.Node.Channel);
        _replication = new(node.Node.Channel);
        _membership = new(node.Node.Channel);
        _forwarding = new(node.Node.Channel);
        _self = node.Node.Service<NodeIdentity>();
    }

    public static TheoryData<string> Services => ["kv.v1.ControlPlane", "kv.v1.Forwarding", "kv.v1.Membership", "kv.v1.Replication", "grpc.health.v1.Health"];

    [Fact]
    public async Task Reflection_lists_every_service()
    {
        var reply = await ReflectAsync(new() { ListServices = "" });
        Assert.Superset(Services.Select(row => row.Data).ToHashSet(), reply.ListServicesResponse.Service.Select(service => service.Name).ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Reflection_describes_every_service(string service)
    {
        var reply = await ReflectAsync(new() { FileContainingSymbol = service });
        var files = reply.FileDescriptorResponse.FileDescriptorProto.Select(bytes => FileDescriptorProto.Parser.ParseFrom(bytes)).ToList();
        var described = files.SelectMany(file => file.Service.Select(s => (Name: $"{file.Package}.{s.Name}", s.Method))).Single(s => s.Name == service);
        Assert.NotEmpty(described.Method);
    }

    [Fact]
    public async Task Health_is_serving_when_ready()
    {
        var health = new Health.HealthClient(_node.Node.Channel);
        await Eventually.Async(
            async () => await health.CheckAsync(new()), reply => reply.Status == HealthCheckResponse.Types.ServingStatus.Serving, TimeSpan.FromSeconds(10), "SERVING");
    }

    [Fact]
    public async Task The_topology_can_be_asked()
    {
        var reply = await _controlPlane.GetTopologyAsync(new());
        Assert.Equal(_self.Cluster.ToString(), reply.Cluster);
        Assert.Equal(_self.Address.ToString(), reply.Self);
        Assert.Equal(_self.Incarnation.ToString(), reply.Incarnation);
        // Alone, it seals its topology as soon as it runs.
        Assert.InRange(reply.Epoch, 1UL, 2UL);
        Assert.Equal([_self.Address.ToString()], reply.Members);
        var shard = Assert.Single(reply.Shards);
        Assert.Equal("0", shard.Id);
        Assert.Equal([_self.Address.ToString()], shard.Members);
        Assert.Equal(reply.RingArcs, shard.Arcs);
        Assert.Matches("^[0-9a-f]{16}$", reply.Digest);
    }

    [Fact]
    public async Task The_vector_counts_this_nodes_writes()
    {
        await _rest.PutAsync(_key, "1");
        var before = await _replication.GetVectorAsync(new());
        await _rest.PutAsync(_key, "2");
        var after = await _replication.GetVectorAsync(new());
        Assert.Equal(_self.Incarnation.ToString(), after.Incarnation);
        Assert.Equal("0", after.Shard);
        Assert.Equal(_self.Address.ToString(), after.Address);
        Assert.Equal(_self.Incarnation.Value, Assert.Single(after.Vector.Entries).Incarnation);
        Assert.Equal(before.Vector.Entries[0].Sequence + 1, after.Vector.Entries[0].Sequence);
        Assert.True(after.KeyCount >= 1);
    }

    [Fact]
    public async Task A_record_shows_its_dot_stamp_and_dependencies()
    {
        var first = await _rest.PutAsync(SingleNode.NewKey(), "1");
        var second = await _rest.PutAsync(_key, """{ "a": 1 }""", first.Token);
        var record = await _replication.GetRecordAsync(new() { Key = _key });
        Assert.True(record.Found);
        Assert.False(record.Tombstone);
        Assert.Equal("""{ "a": 1 }""", record.ValueJson);
        Assert.Equal(second.Token, record.Token);
        Assert.Equal("0", record.Shard);
        Assert.Matches($"^{_self.Incarnation}@0[.]0:[0-9]+$", record.Dot);
        Assert.Matches("^[0-9]{13}\\.[0-9]+$", record.Stamp);
        Assert.InRange(record.Epoch, 1UL, 2UL);

        await _rest.DeleteAsync(_key);
        var deleted = await _replication.GetRecordAsync(new() { Key = _key });
        Assert.True(deleted is { Found: true, Tombstone: true, ValueJson: "" });
        Assert.False((await _replication.GetRecordAsync(new() { Key = SingleNode.NewKey() })).Found);
        await RefusedAsync(StatusCode.InvalidArgument, async () => await _replication.GetRecordAsync(new()));
    }

    [Fact]
    public async Task A_node_alone_waits_for_no_peer()
    {
        var reply = await _membership.ListPeersAsync(new());
        Assert.Equal(_self.Address.ToString(), reply.Self);
        // Nothing but strangers, which other tests here play.
        Assert.DoesNotContain(reply.Peers, peer => peer.State == "UNKNOWN");
    }

    [Fact]
    public async Task A_request_can_be_forwarded_by_hand()
    {
        var key = ByteString.CopyFromUtf8(_key);
        var stored = await _forwarding.ForwardAsync(new() { Id = 5, Operation = Operation.Put, Key = key, Value = ByteString.CopyFromUtf8("[1]"), TimeoutMs = 1000 });
        Assert.Equal(5UL, stored.Id);
        Assert.True(stored.Stored is { Replaced: false, Deleted: false, Replicas: 1 });

        var found = await _forwarding.ForwardAsync(new() { Operation = Operation.Get, Key = key, Token = stored.Stored.Token });
        Assert.Equal("[1]", found.Found.Value.ToStringUtf8());
        Assert.Equal(stored.Stored.Token, found.Found.Version);
        Assert.Equal(Base64Url.EncodeToString(stored.Stored.Token.Span), (await _rest.GetAsync(_key)).Token);

        Assert.True((await _forwarding.ForwardAsync(new() { Operation = Operation.CountKeys, Shard = 0 })).Counted.LiveKeys >= 1);
        Assert.True((await _forwarding.ForwardAsync(new() { Operation = Operation.Delete, Key = key })).Stored.Deleted);
        Assert.Equal(ForwardReply.OutcomeOneofCase.Absent, (await _forwarding.ForwardAsync(new() { Operation = Operation.Get, Key = key })).OutcomeCase);
    }

    [Fact]
    public async Task A_forwarded_request_with_a_bad_token_or_of_another_shard_is_answered_with_the_reason()
    {
        var key = ByteString.CopyFromUtf8(_key);
        var garbage = await _forwarding.ForwardAsync(new() { Operation = Operation.Get, Key = key, Token = ByteString.CopyFromUtf8("garbage") });
        Assert.Equal(Refusal.TokenMalformed, garbage.Refused.Reason);
        var elsewhere = await _forwarding.ForwardAsync(new() { Operation = Operation.CountKeys, Shard = 7 });
        Assert.Equal(Refusal.NotOwner, elsewhere.Refused.Reason);
    }

    [Fact]
    public async Task A_forwarded_request_that_makes_no_sense_is_refused()
    {
        var key = ByteString.CopyFromUtf8(_key);
        ForwardRequest[] senseless =
        [
            new(),
            new() { Operation = (Operation)99, Key = key },
            new() { Operation = Operation.Get },
            new() { Operation = Operation.Put, Key = key, Value = ByteString.CopyFromUtf8("1"), WriteConcern = (WriteConcern)9 },
            new() { Operation = Operation.Put, Key = key },
            new() { Operation = Operation.Put, Key = key, Value = ByteString.CopyFromUtf8("{\"a\":") },
            new() { Operation = Operation.Put, Key = key, Value = ByteString.CopyFromUtf8("1 2") },
            new() { Operation = Operation.Put, Key = key, Value = ByteString.CopyFrom(0x22, 0xff, 0x22) },
            new() { Operation = Operation.Put, Key = ByteString.CopyFrom(0xff), Value = ByteString.CopyFromUtf8("1") },
        ];
        foreach (var request in senseless) await RefusedAsync(StatusCode.InvalidArgument, async () => await _forwarding.ForwardAsync(request));
        Assert.Equal(404, (await _rest.GetAsync(_key)).Status);
    }

    [Fact]
    public async Task Whoever_is_not_a_member_of_this_cluster_is_refused()
    {
        (Sender? Sender, StatusCode Status)[] callers =
        [
            (null, StatusCode.InvalidArgument),
            (new() { Cluster = _self.Cluster.Value, Address = "nowhere", Incarnation = 1 }, StatusCode.InvalidArgument),
            (new() { Cluster = _self.Cluster.Value + 1, Address = _self.Address.ToString(), Incarnation = 1 }, StatusCode.FailedPrecondition),
            (new() { Cluster = _self.Cluster.Value, Address = "127.0.0.1:1", Incarnation = 1 }, StatusCode.PermissionDenied),
            (new() { Cluster = _self.Cluster.Value, Address = _self.Address.ToString() }, StatusCode.PermissionDenied),
        ];
        foreach (var (sender, status) in callers)
        {
            await RefusedAsync(status, async () => await _membership.ProbeAsync(new() { Sender = sender, Target = "127.0.0.1:1" }));
            await RefusedAsync(status, () => DrainAsync(_replication.Fetch(new() { Sender = sender }).ResponseStream));
            await RefusedAsync(status, async () =>
            {
                using var call = _replication.Broadcast();
                await call.RequestStream.WriteAsync(new() { Sender = sender });
                await DrainAsync(call.ResponseStream);
            });
            await RefusedAsync(status, async () =>
            {
                using var call = _forwarding.Exchange();
                await call.RequestStream.WriteAsync(new() { Sender = sender });
                await DrainAsync(call.ResponseStream);
            });
        }
    }

    [Fact]
    public async Task Heartbeats_from_outside_the_cluster_change_nothing()
    {
        Sender?[] senders =
        [
            null,
            new() { Cluster = _self.Cluster.Value + 1, Address = "127.0.0.1:1", Incarnation = 1 },
            new() { Cluster = _self.Cluster.Value, Address = "127.0.0.1:1" },
            new() { Cluster = _self.Cluster.Value, Address = _self.Address.ToString(), Incarnation = 1 },
            new() { Cluster = _self.Cluster.Value, Address = "127.0.0.1:1", Incarnation = _self.Incarnation.Value },
        ];
        foreach (var sender in senders)
        {
            using var call = _membership.Exchange();
            await call.RequestStream.WriteAsync(new() { Sender = sender, Epoch = 99, Ready = true });
            try
            {
                Assert.False(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            }
            catch (RpcException refused)
            {
                Assert.Contains(refused.StatusCode, new[] { StatusCode.InvalidArgument, StatusCode.FailedPrecondition, StatusCode.PermissionDenied });
            }

            Assert.DoesNotContain((await _membership.ListPeersAsync(new())).Peers, peer => peer.Incarnation is "0000000000000000" || peer.Address == _self.Address.ToString());
        }

        Assert.Equal([_self.Address.ToString()], await _rest.ViewAsync());
    }

    [Fact]
    public async Task Heartbeats_of_a_node_that_is_no_member_are_answered_and_do_not_bring_it_into_the_view()
    {
        var stranger = new Sender { Cluster = _self.Cluster.Value, Address = "127.0.0.1:2", Incarnation = 2 };
        using var call = _membership.Exchange();
        await call.RequestStream.WriteAsync(new() { Sender = stranger, Epoch = 99, Ready = true });
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(_self.Incarnation.Value, call.ResponseStream.Current.Sender.Incarnation);
        await Eventually.Async(
            async () => (await _membership.ListPeersAsync(new())).Peers.Any(peer => peer.Address == stranger.Address), TimeSpan.FromSeconds(5), "the stranger is listed");
        Assert.Equal([_self.Address.ToString()], await _rest.ViewAsync());
        await call.RequestStream.CompleteAsync();
    }

    [Fact]
    public async Task Records_that_cannot_be_read_are_refused()
    {
        WriteRecord[] records =
        [
            new(),
            new() { Key = ByteString.CopyFromUtf8("k"), Dot = new() { Incarnation = 1 } },
            new() { Key = ByteString.CopyFromUtf8("k"), Dot = new() { Incarnation = 1, Sequence = 1 }, Token = ByteString.CopyFromUtf8("garbage that is no token at all") },
        ];
        foreach (var record in records)
        {
            await RefusedAsync(StatusCode.InvalidArgument, async () =>
            {
                using var call = _replication.Broadcast();
                await call.RequestStream.WriteAsync(new() { Sender = Member(), Epoch = 1 });
                Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
                await call.RequestStream.WriteAsync(new() { Records = { record } });
                await DrainAsync(call.ResponseStream);
            });
        }
    }

    [Fact]
    public async Task Bytes_that_are_no_message_are_refused()
    {
        var bytes = Marshallers.Create(message => message, payload => payload);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "kv.v1.Forwarding", "Forward", bytes, bytes);
        var thrown = await Assert.ThrowsAsync<RpcException>(
            async () => await _node.Node.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x01]));
        Assert.Contains(thrown.StatusCode, new[] { StatusCode.Internal, StatusCode.InvalidArgument, StatusCode.Unknown });
        Assert.Equal(200, (await _rest.GetPathAsync("/readyz")).Status);
    }

    private Sender Member() => new() { Cluster = _self.Cluster.Value, Address = _self.Address.ToString(), Incarnation = _self.Incarnation.Value };

    private static async Task RefusedAsync(StatusCode status, Func<Task> call)
    {
        var thrown = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(thrown.StatusCode == status, $"{status} expected: {thrown.Status}");
        Assert.NotEmpty(thrown.Status.Detail);
    }

    private static async Task DrainAsync<T>(IAsyncStreamReader<T> stream)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (await stream.MoveNext(bound.Token))
        {
        }
    }

    private async Task<ServerReflectionResponse> ReflectAsync(ServerReflectionRequest request)
    {
        using var call = new ServerReflection.ServerReflectionClient(_node.Node.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(request);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        await call.RequestStream.CompleteAsync();
        return call.ResponseStream.Current;
    }
}
