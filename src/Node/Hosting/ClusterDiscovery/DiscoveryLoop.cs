using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Hosting.ClusterDiscovery;

/// <summary>Asks the others in VIEW, round after round, until it follows from their answers where this node begins; see <see cref="Discovery"/>.</summary>
internal sealed partial class DiscoveryLoop(
    NodeOptions options, Func<NodeAddress, CancellationToken, Task<DiscoveryAnswer?>> ask, TimeProvider time, ILogger<DiscoveryLoop> logger)
{
    private readonly HashSet<NodeAddress> _strangers = [];
    private string _lastSilent = "";

    /// <summary>
    /// Gives the topology to begin with. Throws <see cref="InvalidOptionsException"/> when VIEW names nodes of two clusters, and
    /// <see cref="OperationCanceledException"/> when cancelled.
    /// </summary>
    public async Task<ClusterTopology> RunAsync(CancellationToken cancellation)
    {
        var discovery = new Discovery(options.SocketAddress, options.View, options.Topology.DiscoveryPatience);
        var began = time.GetTimestamp();
        while (true)
        {
            var heard = await AskAsync(cancellation);
            (discovery, var decision) = discovery.Hear(heard, time.GetElapsedTime(began));
            switch (decision)
            {
                case DiscoveryDecision.Join join:
                    LogJoining(logger, join.Topology);
                    return join.Topology;
                case DiscoveryDecision.Form form:
                    LogForming(logger, form.Topology);
                    return form.Topology;
                case DiscoveryDecision.Torn torn:
                    throw new InvalidOptionsException(
                        [$"VIEW names nodes of two clusters: {torn.One} belongs to {torn.ClusterOfOne}, and {torn.Other} to {torn.ClusterOfOther}. Name those of one."]);
                case DiscoveryDecision.Wait wait:
                    Report(wait, heard);
                    break;
            }

            await Task.Delay(options.Topology.HelloInterval, time, cancellation);
        }
    }

    private async Task<Dictionary<NodeAddress, DiscoveryAnswer>> AskAsync(CancellationToken cancellation)
    {
        var others = options.View.Where(node => !node.Equals(options.SocketAddress)).ToList();
        var answers = await Task.WhenAll(others.Select(peer => ask(peer, cancellation)));
        return others.Zip(answers).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First, pair => pair.Second!);
    }

    // Only what is new: this goes on every round.
    private void Report(DiscoveryDecision.Wait wait, Dictionary<NodeAddress, DiscoveryAnswer> heard)
    {
        foreach (var stranger in wait.Strangers.Where(_strangers.Add))
            LogAmongOthers(logger, stranger, Text(((DiscoveryAnswer.Undecided)heard[stranger]).View), Text(options.View));

        var silent = Text(wait.Silent);
        if (silent == _lastSilent) return;
        _lastSilent = silent;
        if (silent.Length > 0) LogSilent(logger, silent);
    }

    private static string Text(IEnumerable<NodeAddress> nodes) => string.Join(',', nodes.Order());

    [LoggerMessage(1010, LogLevel.Information, "Looking for the cluster: waiting for {Silent}")]
    private static partial void LogSilent(ILogger logger, string silent);

    [LoggerMessage(1011, LogLevel.Warning, "{Peer} looks for its cluster in VIEW {Other}, this node in VIEW {Own}: they cannot form one together")]
    private static partial void LogAmongOthers(ILogger logger, NodeAddress peer, string other, string own);

    [LoggerMessage(1012, LogLevel.Information, "Found the cluster: {Topology}")]
    private static partial void LogJoining(ILogger logger, ClusterTopology topology);

    [LoggerMessage(1013, LogLevel.Information, "Nobody in VIEW has a cluster: forming {Topology}")]
    private static partial void LogForming(ILogger logger, ClusterTopology topology);
}
