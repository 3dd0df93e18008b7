using System.Security.Cryptography;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Backup;
using Kv.Node.Changes;
using Kv.Node.Hosting.Drain;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Observation;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Rest;
using Kv.Node.Retention;
using Kv.Node.Scrub;
using Kv.Node.Security;
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
        services.AddSingleton(new CausalTokenCodec(options.ClusterSecret, self.Cluster, options.AcceptedSecrets));
        services.AddSingleton(options.Topology);
        services.AddSingleton<KvMetrics>();
        services.AddSingleton<RequestRate>();
        services.AddSecurity(options);

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
        services.AddSingleton<RangeQuestions>();
        services.AddSingleton<TransferBudget>();
        services.AddSingleton<RangeSender>();
        services.AddSingleton<FormerPlaces>();
        services.AddSingleton(options.Retention).AddSingleton<LogHolds>().AddSingleton<LogRetention>().AddSingleton<TombstoneRetention>();
        services.AddSingleton(options.Scrub).AddSingleton<ScrubProgress>().AddSingleton<Scrubber>();
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

        services.AddSingleton<Departure>();
        services.AddSingleton<HeartbeatGate>();
        services.AddSingleton<HeartbeatLoops>();
        services.AddSingleton<IHeartbeatSource, HeartbeatSource>();
        services.AddSingleton<InboundHeartbeats>();
        services.AddSingleton<MembershipService>();
        services.AddSingleton(s => s.GetRequiredService<MembershipService>().View);

        services.AddSingleton<RequestIntake>();
        services.AddSingleton<RequestBudget>();
        services.AddSingleton<TopologyLook>();
        services.AddSingleton<CausalGate>();
        services.AddSingleton<WriteConcern>();
        services.AddSingleton<IDurabilityObserver>(s => s.GetRequiredService<WriteConcern>());
        services.AddSingleton<ForwardLanes>();
        services.AddSingleton<Forwarder>();
        services.AddSingleton<WritePath>();
        services.AddSingleton<ReadPath>();
        services.AddSingleton(options.Listing).AddSingleton<ListPath>();
        services.AddSingleton(options.Batch).AddSingleton<BatchPath>();
        services.AddSingleton<KeyCounts>();
        services.AddSingleton<Convergence>();
        services.AddSingleton<Witnesses>().AddSingleton<MembershipChanges>().AddSingleton<DeadRemoval>();
        services.AddSingleton<Resharding>();
        services.AddSingleton<ForwardedRequests>();
        services.AddSingleton(options.Backup).AddSingleton<BackupActivity>().AddSingleton<BackupRoom>().AddSingleton<BackupDonor>().AddSingleton<ReplicaVectors>().AddSingleton<BackupCuts>();
        services.AddSingleton<ClusterBackup>().AddSingleton<ClusterRestore>().AddSingleton<RestoreWriter>().AddSingleton<RestoreSpread>();
        services.AddSingleton(new StagingArea(options.Backup, options.Storage, options.InMemory ? null : options.DataDirectory));
        services.AddSingleton(options.Rest).AddSingleton<SlowClients>().AddSingleton<OtherRequests>().AddSingleton<IntakeGate>().AddSingleton<RequestTracing>();
        services.AddSingleton<KeyValueEndpoints>().AddSingleton<ListEndpoints>().AddSingleton<BatchEndpoints>();
        services.AddSingleton(options.Changes).AddSingleton<ChangeScanner>().AddSingleton<ChangeSource>().AddSingleton<ChangeFeeds>().AddSingleton<ChangesEndpoint>();
        services.AddSingleton<KeyReplicas>();
        services.AddSingleton(options.Observation).AddSingleton<ClusterStatus>().AddSingleton<Observatory>();
        services.AddSingleton<ReplicasEndpoint>().AddSingleton<EventStream>().AddSingleton<ConsoleFiles>();
        services.AddSingleton(options.Clients).AddSingleton<ClientLimits>().AddSingleton<RestAccess>();
        services.AddSingleton<StorageWatch>();
        services.AddSingleton<NodeLoops>();
        services.AddSingleton(options.Drain).AddSingleton<Handover>().AddSingleton<Draining>();
        services.AddSingleton<NodeGauges>();
        return services;
    }

    /// <summary>What a node is secured with, and looks at again while it runs. Opened when first asked for, which a node without doors never does.</summary>
    public static IServiceCollection AddSecurity(this IServiceCollection services, NodeOptions options)
    {
        services.AddSingleton(options.Tls);
        services.AddSingleton(s =>
        {
            var errors = new List<string>();
            var security = NodeSecurity.Open(options.Security, s.GetRequiredService<TimeProvider>(), s.GetService<KvMetrics>(), s.GetRequiredService<ILogger<NodeSecurity>>(), errors);
            return errors.Count == 0 ? security : throw new InvalidOptionsException(errors);
        });
        return services.AddHostedService<SecurityWatch>();
    }

    /// <summary>The edges of a node in production. Each taker of randomness gets a generator of its own.</summary>
    public static IServiceCollection AddProductionEdges(this IServiceCollection services, IStorageEngine storage)
    {
        // By a factory, so that the container closes it, after everything that uses it.
        services.AddSingleton(_ => storage);
        services.AddSingleton(TimeProvider.System);
        services.AddTransient(_ => new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));
        services.AddSingleton(s => new PeerChannels(s.GetRequiredService<PeerOptions>(), s.GetRequiredService<NodeSecurity>().Peers));
        services.AddSingleton<IPeerTransport, GrpcPeerTransport>();
        services.AddSingleton<IChangePeers, GrpcChangePeers>();
        services.AddSingleton<IPeerRecords, GrpcPeerRecords>();
        return services;
    }
}
