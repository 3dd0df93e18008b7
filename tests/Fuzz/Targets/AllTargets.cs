namespace Kv.Fuzz.Targets;

/// <summary>Every target by name, with its share of the inputs.</summary>
internal static class AllTargets
{
    private static readonly Dictionary<string, (int Weight, Func<ulong, Task<IFuzzTarget>> Open)> Known = new()
    {
        ["token"] = (12, _ => Made(new TokenTarget())),
        ["topology-text"] = (6, _ => Made(new TopologyTextTarget())),
        ["record"] = (10, _ => Made(new RecordTarget())),
        ["checkpoint"] = (8, _ => Made(new CheckpointTarget())),
        ["backup"] = (8, _ => Made(new BackupTarget())),
        ["options"] = (4, _ => Made(new OptionsTarget())),
        ["wire"] = (14, _ => Made(new WireTarget())),
        ["rest"] = (16, async seed => await RestTarget.OpenAsync(seed)),
        ["rpc-membership"] = (6, async seed => await RpcTarget.OpenAsync(RpcMethods.Membership, seed)),
        ["rpc-replication"] = (7, async seed => await RpcTarget.OpenAsync(RpcMethods.Replication, seed)),
        ["rpc-forwarding"] = (7, async seed => await RpcTarget.OpenAsync(RpcMethods.Forwarding, seed)),
        ["rpc-migration"] = (4, async seed => await RpcTarget.OpenAsync(RpcMethods.Migration, seed)),
        ["rpc-backup"] = (3, async seed => await RpcTarget.OpenAsync(RpcMethods.Backup, seed)),
        ["rpc-control"] = (6, async seed => await RpcTarget.OpenAsync(RpcMethods.Control, seed)),
        ["replies-forwarding"] = (5, async _ => await ReplyTarget.OpenAsync(ReplyKind.Forwarding)),
        ["replies-records"] = (4, async _ => await ReplyTarget.OpenAsync(ReplyKind.Records)),
        ["replies-control"] = (2, async _ => await ReplyTarget.OpenAsync(ReplyKind.Control)),
        ["sockets"] = (0, async _ => await SocketTarget.OpenAsync()),
    };

    public static IReadOnlyCollection<string> Names => Known.Keys;

    /// <summary>Its share in relation to the others'; zero for one with a fixed, small share, because it is slow.</summary>
    public static int WeightOf(string name) => Known[name].Weight;

    /// <summary>The seed is for what the target itself draws, such as identities.</summary>
    public static Task<IFuzzTarget> OpenAsync(string name, ulong seed) => Known[name].Open(seed);

    private static Task<IFuzzTarget> Made(IFuzzTarget target) => Task.FromResult(target);
}
