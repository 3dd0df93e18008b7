using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Histories;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Storage;
using Kv.Simulation.Clients;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Checkers;

/// <summary>
/// Judges what is left when everything is healed and quiet: the replicas of a shard are equal, no write that was acknowledged is missing, keys are
/// counted exactly, and nothing has piled up.
/// </summary>
internal sealed class FinalWatch(SimCluster cluster, Workload workload)
{
    public void Look()
    {
        foreach (var shard in cluster.Topology.Shards)
        {
            var replicas = cluster.MembersOf(shard.Id).ToList();
            var expected = Winners(shard.Id);
            foreach (var replica in replicas) Compare(replica, expected);
            Count(shard.Id, expected.Values.Count(record => !record.IsTombstone));
        }

        foreach (var node in cluster.Members.Where(node => node.Shard is null && node.Services!.GetRequiredService<IStorageEngine>().Scan(RingRange.Whole).Any()))
            cluster.Violations.Add("Keys are with their owners only", $"{node.Address} has keys and replicates no shard");
        EverybodySaysSo();
        KeysAreConserved();
        AcknowledgedWritesAreThere();
        workload.History.Final = Enumerable.Range(0, workload.Keys).Select(i => (Index: i, Key: workload.KeyOf(i)))
            .Select(k => (k.Index, Record: cluster.MembersOf(cluster.Topology.ShardOf(k.Key).Id).First().Services!.GetRequiredService<IStorageEngine>().Read(k.Key) ?? cluster.Ledger.CollectedOf(k.Key)))
            .Where(k => k.Record is not null)
            .ToDictionary(k => k.Index, k => new Rank(k.Record!.Stamp.Packed, k.Record.Dot.Origin.Incarnation.Value));
        foreach (var node in cluster.Provisioned) NothingPiledUp(node);
    }

    private void EverybodySaysSo()
    {
        foreach (var node in cluster.Members)
        {
            foreach (var shard in node.Services!.GetRequiredService<Convergence>().Report().Shards.Where(shard => !shard.IsConverged))
                cluster.Violations.Add("Convergence is reported", $"{node.Address} says of shard {shard.Shard}: {string.Join(", ", shard.Replicas)}");
        }
    }

    private void KeysAreConserved()
    {
        var expected = cluster.Topology.Shards.Sum(shard => Winners(shard.Id).Values.Count(record => !record.IsTombstone));
        var counted = cluster.Topology.Shards.Sum(shard => cluster.MembersOf(shard.Id).First().Services!.GetRequiredService<IStorageEngine>().Checkpoint.LiveKeys);
        if (counted != expected) cluster.Violations.Add("Exact key counts", $"all shards together count {counted} keys, there are {expected}");
    }

    // By the ledger: the greatest of all durable writes of each key, lost ones left out.
    private Dictionary<string, WriteRecord> Winners(Common.Identity.ShardId shard)
    {
        var winners = new Dictionary<string, WriteRecord>();
        foreach (var entry in cluster.Ledger.Entries.Where(e => cluster.ShardOf(e) == shard && !IsLost(e)))
        {
            var key = entry.Record.Key.ToString();
            if (!winners.TryGetValue(key, out var known) || WinnerRule.Wins(entry.Record, known)) winners[key] = entry.Record;
        }

        return winners;
    }

    // Also what only the log of a fill has that was given up, which nobody reads any more.
    private bool IsLost(Ledger.Entry entry) =>
        entry.IsLost && !cluster.MembersOf(cluster.ShardOf(entry)).Any(member => member.Disk.AnswersFor(entry.Record, cluster.Topology));

    private void Compare(SimNode replica, Dictionary<string, WriteRecord> expected)
    {
        var storage = replica.Services!.GetRequiredService<IStorageEngine>();
        var found = storage.Scan(RingRange.Whole).ToList();
        foreach (var record in found)
        {
            var winner = expected.GetValueOrDefault(record.Key.ToString());
            if (winner is { IsTombstone: true } && !record.IsTombstone) cluster.Violations.Add("No key is resurrected", $"{replica.Address} has {record.Key} as {record.Dot}, which {winner.Dot} deleted");
            if (winner is null) cluster.Violations.Add("Replicas converge", $"{replica.Address} has {record.Key} as {record.Dot}, which is not written there");
            else if (winner.Dot != record.Dot) cluster.Violations.Add("Replicas converge", $"{replica.Address} has {record.Key} as {record.Dot} at {record.Stamp}, but {winner.Dot} at {winner.Stamp} wins");
        }

        // What was added up on the way, whatever happened on it, is what is there.
        var stored = storage.ReadArcs()!;
        var arcs = found.GroupBy(record => HashRing.ArcOf(record.Key.Position)).ToDictionary(arc => arc.Key, ArcSummary.Of);
        foreach (var arc in arcs.Keys.Union(stored.Keys).Where(arc => arcs.GetValueOrDefault(arc) != stored.GetValueOrDefault(arc)))
            cluster.Violations.Add("Exact digests", $"{replica.Address} has {arcs.GetValueOrDefault(arc)} in arc {arc} and says {stored.GetValueOrDefault(arc)}");
        var there = found.Select(record => record.Key.ToString()).ToHashSet();
        foreach (var missing in expected.Values.Where(record => !there.Contains(record.Key.ToString()) && !cluster.Ledger.IsOutdoneByCollected(record)))
            cluster.Violations.Add("Replicas converge", $"{replica.Address} has nothing of {missing.Key}, whose winner is {missing.Dot}");
        var live = found.Count(record => !record.IsTombstone);
        if (storage.Checkpoint.LiveKeys != live) cluster.Violations.Add("Exact key counts", $"{replica.Address} has {live} keys and counts {storage.Checkpoint.LiveKeys}");
    }

    private void Count(Common.Identity.ShardId shard, int expected)
    {
        foreach (var node in cluster.Members)
        {
            node.Call(new CountKeysCommand(shard, PresentedToken.None), (outcome, _) =>
            {
                if (outcome is not Outcome.Counted counted) cluster.Violations.Add("Exact key counts", $"{node.Address} answers {outcome} when asked to count shard {shard}");
                else if (counted.LiveKeys != expected) cluster.Violations.Add("Exact key counts", $"{node.Address} counts {counted.LiveKeys} keys of shard {shard}, there are {expected}");
            });
        }

        cluster.Scheduler.RunUntil(cluster.Scheduler.Now + TimeSpan.FromSeconds(1).Ticks);
    }

    private void AcknowledgedWritesAreThere()
    {
        foreach (var operation in workload.History.Operations)
        {
            if (!operation.IsWrite || operation.Status is not OperationStatus.Acknowledged) continue;
            var entry = cluster.Ledger.FindByToken(workload.TokenOf(operation.Id).Sealed);
            if (entry is null)
            {
                cluster.Violations.Add("No acknowledged write is lost", $"no disk ever had {operation}");
                continue;
            }

            if (entry.IsLost && (operation.Replicas < 2 || entry.IsLostForManyReasons)) continue;
            foreach (var member in cluster.MembersOf(cluster.ShardOf(entry)))
            {
                var vector = member.Services!.GetRequiredService<ReplicaState>().Snapshot.Current.Vector;
                if (!vector.Covers(entry.Record.Dot)) cluster.Violations.Add("No acknowledged write is lost", $"{member.Address} has not {entry.Record.Dot} of {operation}");
            }
        }
    }

    private void NothingPiledUp(SimNode node)
    {
        if (node.OldestPending is { } since && cluster.Scheduler.Now - since > TimeSpan.FromSeconds(12).Ticks)
            cluster.Violations.Add("Deadlines", $"{node.Address} has not answered a request of {TimeSpan.FromTicks(since).TotalSeconds:F3} s");
    }
}
