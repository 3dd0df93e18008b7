using Kv.Common.Topology;
using Kv.Node.Requests;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;

namespace Kv.Simulation.Checkers;

/// <summary>
/// Judges each answer at the moment it is given: it comes within the request's deadline, a write is on as many disks as it says, on as many as its write
/// concern asks for, and a token stays within its bound.
/// </summary>
internal sealed class AnswerWatch(SimCluster cluster, Calm calm)
{
    private static readonly TimeSpan ReadHere = TimeSpan.FromSeconds(5.3);
    private static readonly TimeSpan Anything = TimeSpan.FromSeconds(11.4);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(6);

    public void Answered(SimNode node, Command command, Outcome outcome, long since, bool isHandedOver)
    {
        var now = cluster.Scheduler.Now;
        // A replica that is new, or back and behind, hands its requests to another one first, which takes as long as any request may.
        var isHere = !isHandedOver && command is GetCommand get && cluster.Topology.ShardOf(get.Key).Includes(node.Address)
            && cluster.IsPlaced(node, Settled) && cluster.IsTopologySettled(Settled);
        var bound = (isHere ? ReadHere : Anything) + calm.DelayedBetween(since, now);
        if (TimeSpan.FromTicks(now - since) > bound)
            cluster.Violations.Add("Deadlines", $"{node.Address} took {TimeSpan.FromTicks(now - since).TotalSeconds:F3} s to answer a {command.GetType().Name} with {outcome.GetType().Name}");
        if (outcome is Outcome.Stored stored && command is WriteCommand write) Stored(write, stored);
    }

    private void Stored(WriteCommand command, Outcome.Stored stored)
    {
        if (cluster.Ledger.FindByToken(stored.Token) is not { } entry)
        {
            cluster.Violations.Add("Acknowledged is durable", $"the write of {command.Key} is acknowledged, but no disk has it");
            return;
        }

        var dot = entry.Record.Dot;
        if (entry.Record.Stamp <= command.Token.Token.Stamp)
            cluster.Violations.Add("Stamps follow tokens", $"{dot} has stamp {entry.Record.Stamp}, its client had seen {command.Token.Token.Stamp}");
        // Whoever coordinated the write goes by the topologies from the one it wrote in on; a replica counts that is a member in one of them.
        var latest = cluster.Running.FirstOrDefault(any => any.Disk.Incarnation == dot.Origin.Incarnation)?.Known?.Epoch ?? cluster.Topology.Epoch;
        var topologies = cluster.History.Between(entry.Record.OpenedToken.Epoch, latest).ToList();
        var known = topologies.Select(topology => topology.ShardOf(entry.Record.Key).Members).ToList();
        var members = known.SelectMany(shard => shard).Distinct().Select(address => cluster[address]).ToList();
        var holding = members.Count(member => member.Disk.Had(entry.Record) || member.Disk.HasForgotten(entry.Record));
        if (holding < stored.Replicas) cluster.Violations.Add("Acknowledged is durable", $"{dot} is said to be on {stored.Replicas} replicas, and is on {holding}");
        var counting = known.Min(shard => shard.Length);
        var majority = (counting / 2) + 1;
        var required = command.Concern switch
        {
            WriteConcernLevel.All => counting,
            WriteConcernLevel.Majority => majority,
            WriteConcernLevel.Default when AreCalm(members, topologies) => majority,
            _ => 1,
        };
        if (stored.Replicas < required)
            cluster.Violations.Add("Write concerns are met", $"{dot}, written with {command.Concern}, is acknowledged by {stored.Replicas} of {members.Count} replicas");
    }

    // One that was made anew is nobody's member to whoever has not heard that it was admitted, however calm it is.
    private bool AreCalm(List<SimNode> members, List<ClusterTopology> topologies) => members.TrueForAll(member =>
        member.IsRunning
        && topologies.TrueForAll(topology => !topology.IsSealed || topology.IncarnationAt(member.Address) == member.Disk.Incarnation)
        && cluster.Scheduler.Now - member.StartedAt > Settled.Ticks
        && calm.IsCalm(member.Address, Settled)
        && members.TrueForAll(other => calm.IsCalm(member.Address, other.Address, Settled)));
}
