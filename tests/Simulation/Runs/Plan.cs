using Kv.Node.Requests;
using Kv.Simulation.Checkers;
using Kv.Simulation.Clients;
using Kv.Simulation.Faults;

namespace Kv.Simulation.Runs;

/// <summary>What a seed stands for: the cluster, the clients and the faults of one run. Shortening a failing run leaves out of it what does not matter.</summary>
internal sealed record Plan(
    int Seed,
    int Nodes,
    int Spares,
    int Shards,
    int HotKeys,
    int Keys,
    TimeSpan Duration,
    bool RandomInterleaving,
    TimeSpan MostLatency,
    double Loss,
    IReadOnlyList<(int Seed, ClientHabits Habits)> Clients,
    IReadOnlyList<Fault> Faults,
    bool IsPeaceful)
{
    private static readonly FaultKind[] Changes =
    [
        FaultKind.AddNode, FaultKind.AddNode, FaultKind.RemoveNode, FaultKind.AddReplica, FaultKind.AddReplica, FaultKind.Reshard, FaultKind.Reshard, FaultKind.Reshard,
        FaultKind.CancelReshard,
    ];


    /// <summary>The plan of a seed, with all kinds of faults or <paramref name="only"/> some; clients are idle mostly in some runs, or whenever asked for.</summary>
    public static Plan Of(int seed, IReadOnlySet<FaultKind>? only = null, bool isQuiet = false)
    {
        var random = new Random(unchecked((seed * 1_000_003) ^ 0x5bd1e995));
        var nodes = Pick(random, 1, 2, 3, 3, 4, 4, 5, 6, 6, 6, 7);
        var shards = random.Next(1, Math.Max(1, nodes / 2) + 1);
        var duration = TimeSpan.FromSeconds(random.Next(8, 26));
        // Where little is written, most of what clients have seen is everywhere, and their tokens name nothing.
        isQuiet |= random.Next(12) == 0;
        var clients = Enumerable.Range(0, random.Next(4, 10)).Select(_ => (random.Next(), HabitsOf(random, isQuiet))).ToList();
        var kinds = Enum.GetValues<FaultKind>().Except(Changes).Where(kind => only is null || only.Contains(kind)).ToArray();
        // A few kinds a run, so that combinations get deep, and some runs with every kind.
        if (random.Next(3) > 0)
        {
            random.Shuffle(kinds);
            kinds = kinds[..Math.Min(kinds.Length, random.Next(1, 6))];
        }

        // Most runs leave each fault some time to unfold; in a storm the next ones come before the last is over.
        var isStorm = random.Next(4) == 0;
        var rate = isStorm ? random.Next(2, 8) : random.Next(1, 6) * 0.25;
        var (shortest, longest) = isStorm ? (50, 800) : (50, 3500);
        var faults = new List<Fault>();
        for (var at = 1.0; kinds.Length > 0 && at < duration.TotalSeconds - 1; at += (isStorm ? 0.02 : 0.2) + (random.NextDouble() / rate))
        {
            var length = random.Next(4) == 0 && !isStorm ? random.Next(3000, 9000) : random.Next(shortest, longest);
            faults.Add(new(kinds[random.Next(kinds.Length)], TimeSpan.FromSeconds(at), TimeSpan.FromMilliseconds(length), random.Next()));
        }

        // A network that is bad everywhere, all the time.
        var loss = only is null && random.Next(3) == 0 ? 0.01 + (random.NextDouble() * 0.09) : 0;
        var plan = new Plan(
            seed, nodes, 0, shards, random.Next(2, 8), random.Next(10, 40), duration, random.Next(2) == 0,
            TimeSpan.FromMicroseconds(random.Next(5) == 0 ? random.Next(20_000, 80_000) : random.Next(300, 4000)), loss, clients, faults, false);
        return plan.WithChanges(random, only);
    }

    // In a third of the runs an operator changes the membership, in some of them all the time; and in some of them nothing else happens at all.
    private Plan WithChanges(Random random, IReadOnlySet<FaultKind>? only)
    {
        var changes = Changes.Where(kind => only is null || only.Contains(kind)).ToArray();
        var habit = random.Next(9);
        if (changes.Length == 0 || (only is null && habit > 3)) return this;
        var isPeaceful = only is null ? habit == 0 : only.All(Changes.Contains);
        var faults = isPeaceful ? [] : Faults.ToList();
        var duration = Duration + TimeSpan.FromSeconds(isPeaceful ? 10 : 3);
        var pause = random.Next(2) == 0 ? 0.6 : 2.5;
        for (var at = isPeaceful ? PeaceChecker.From.TotalSeconds : 2.0; at < duration.TotalSeconds - 2; at += 0.1 + (pause * 2 * random.NextDouble()))
        {
            var change = changes[random.Next(changes.Length)];
            faults.Add(new(change, TimeSpan.FromSeconds(at), TimeSpan.Zero, random.Next()));
            if (change is FaultKind.Reshard && changes.Contains(FaultKind.CancelReshard) && random.Next(4) == 0)
                faults.Add(new(FaultKind.CancelReshard, TimeSpan.FromSeconds(at + (random.NextDouble() * random.NextDouble() * 3)), TimeSpan.Zero, random.Next()));
            if (change is FaultKind.Reshard && habit == 2 && !isPeaceful && (only is null || only.Contains(FaultKind.CrashInReshard)))
                faults.Add(new(FaultKind.CrashInReshard, TimeSpan.FromSeconds(at), TimeSpan.FromMilliseconds(random.Next(500, 6000)), random.Next()));
            if (habit == 1 && !isPeaceful && (only is null || only.Contains(FaultKind.CrashAfterVote)))
                faults.Add(new(FaultKind.CrashAfterVote, TimeSpan.FromSeconds(at), TimeSpan.FromMilliseconds(random.Next(50, 1500)), random.Next()));
        }

        return this with { Spares = random.Next(1, 4), Duration = duration, Faults = faults, IsPeaceful = isPeaceful, Loss = isPeaceful ? 0 : Loss };
    }

    private static ClientHabits HabitsOf(Random random, bool isQuiet)
    {
        WriteConcernLevel[] levels = random.Next(4) switch
        {
            0 => [WriteConcernLevel.Default, WriteConcernLevel.Local, WriteConcernLevel.Majority, WriteConcernLevel.All],
            1 => [WriteConcernLevel.Default, WriteConcernLevel.Majority],
            _ => [WriteConcernLevel.Default],
        };
        return new(
            TimeSpan.FromMilliseconds(random.Next(15, 170) * (isQuiet ? 10 : 1)), Pick(random, 0.02, 0.2, 0.6), Pick(random, 0, 0, 0.05), random.Next(20, 75),
            random.Next(6) > 0, levels, random.Next(2, 5));
    }

    private static T Pick<T>(Random random, params T[] among) => among[random.Next(among.Length)];
}
