using Kv.Node.Peers;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door as a whole: one service per proto, reflection for people, the standard health service for orchestrators.</summary>
internal static class RpcDoor
{
    public static void AddNodeRpc(this IServiceCollection services)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = PeerOptions.MaxMessageBytes;
            grpc.EnableDetailedErrors = false;
        });
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks().AddCheck<ReadinessCheck>("ready");
        services.AddSingleton<MembershipRpc>().AddSingleton<ReplicationRpc>().AddSingleton<MigrationRpc>().AddSingleton<ForwardingRpc>().AddSingleton<ControlPlaneRpc>()
            .AddSingleton<ChangesRpc>().AddSingleton<BackupRpc>();
    }

    public static void UseNodeRpc(this IApplicationBuilder app)
    {
        app.UseRouting();
        app.UseEndpoints(services =>
        {
            services.MapGrpcService<MembershipRpc>();
            services.MapGrpcService<ReplicationRpc>();
            services.MapGrpcService<MigrationRpc>();
            services.MapGrpcService<ChangesRpc>();
            services.MapGrpcService<ForwardingRpc>();
            services.MapGrpcService<ControlPlaneRpc>();
            services.MapGrpcService<BackupRpc>();
            services.MapGrpcReflectionService();
            services.MapGrpcHealthChecksService();
        });
    }
}
