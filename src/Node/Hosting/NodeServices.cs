using System.Security.Cryptography;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Rest;
using Kv.Node.Retention;
using Kv.Node.Storage;
using Kv.Node.Telemetry;
using Kv.Node.Topology;

namespace Kv.Node.Hosting;

/// <summary>What a node is made of. The edges (storage, transport, time, randomness) come first; everything after them runs unchanged on others.</summary>
internal static class NodeServices
{
    public static IServiceCollection AddNode(this IServiceCollection services, NodeOptions options, NodeIdentity self, TopologyOrigin origin)
    {
        services.AddSingleton(options).AddSingleton(self);
        services.AddSingleton(options.Requests).AddSingleton(options.Replica).AddSingleton(options.Replication);
        services.AddSingleton(options.Membership).AddSingleton(options.Peers).AddSingleton(options.Storage);
        services.AddSingleton(new CausalTokenCodec(options.ClusterSecret, self.Cluster));
        services.AddSingleton(options.Topology);
        services.AddSingleton<KvMetrics>();

        services.AddSingleton<AcceptorStore>();
        services.AddSingleton(origin);
        services.AddSingleton<TopologyRegister>();
        services.AddSingleton(s => s.GetRequiredService<TopologyRegister>().Topology);
        services.AddSingleton<InboundControl>();
        services.AddSingleton<TopologyProposer>();
        services.AddSingleton<TopologyChanges>();
        services.AddSingleton<TopologyLearner>();
        services.AddSingleton<Formation>();
        services.AddSingleton<Admission>();
        services.AddSingleton<Promotion>();
        services.AddSingleton(options.Migration);
        services.AddSingleton<Filling>();
        services.AddSingleton<Mending>();
        services.AddSingleton<TransferBudget>();
        services.AddSingleton<RangeSender>();
        services.AddSingleton<FormerPlaces>();
        services.AddSingleton(options.Retention).AddSingleton<LogRetention>().AddSingleton<TombstoneRetention>();
        services.AddSingleton<ReshardProgress>();
        services.AddSingleton<MigrationCoordinator>();

        services.AddSingleton<ReplicaState>();
        services.AddSingleton<ClientActivity>();
        services.AddSingleton<FillProgress>();
        services.AddSingleton<ServingFloor>();
        services.AddSingleton<Stability>().AddSingleton<Settlement>().AddSingleton<TombstoneCensus>();
        services.AddSingleton<Readiness>();

        services.AddSingleton<CatchUp>();
        services.AddSingleton<IMissingRecords>(s => s.GetRequiredService<CatchUp>());
        services.AddSingleton<ReplicatorSet>();
        services.AddSingleton<InboundReplication>();

        services.AddSingleton<HeartbeatGate>();
        services.AddSingleton<HeartbeatLoops>();
        services.AddSingleton<IHeartbeatSource, HeartbeatSource>();
        services.AddSingleton<InboundHeartbeats>();
        services.AddSingleton<MembershipService>();
        services.AddSingleton(s => s.GetRequiredService<MembershipService>().View);

        services.AddSingleton<RequestBudget>();
        services.AddSingleton<TopologyLook>();
        services.AddSingleton<CausalGate>();
        services.AddSingleton<WriteConcern>();
        services.AddSingleton<IDurabilityObserver>(s => s.GetRequiredService<WriteConcern>());
        services.AddSingleton<ForwardLanes>();
        services.AddSingleton<Forwarder>();
        services.AddSingleton<WritePath>();
        services.AddSingleton<ReadPath>();
        services.AddSingleton<KeyCounts>();
        services.AddSingleton<Convergence>();
        services.AddSingleton<MembershipChanges>();
        services.AddSingleton<Resharding>();
        services.AddSingleton<ForwardedRequests>();
        services.AddSingleton(options.Rest).AddSingleton<SlowClients>().AddSingleton<OtherRequests>();
        services.AddSingleton<KeyValueEndpoints>();
        services.AddSingleton<StorageWatch>();
        services.AddSingleton<NodeLoops>();
        services.AddSingleton<NodeGauges>();
        return services;
    }

    /// <summary>The edges of a node in production. Each taker of randomness gets a generator of its own.</summary>
    public static IServiceCollection AddProductionEdges(this IServiceCollection services, IStorageEngine storage)
    {
        // By a factory, so that the container closes it, after everything that uses it.
        services.AddSingleton(_ => storage);
        services.AddSingleton(TimeProvider.System);
        services.AddTransient(_ => new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));
        services.AddSingleton<PeerChannels>();
        services.AddSingleton<IPeerTransport, GrpcPeerTransport>();
        return services;
    }
}
