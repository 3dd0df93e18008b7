using Kv.Node.Requests;
using Kv.Simulation.Clients;
using Kv.Simulation.Faults;
using Kv.Simulation.Runs;

namespace Kv.Simulation.Mutants;

/// <summary>Plans for mutants that faults at random hardly ever meet: what they need happens several times a run, one thing after the other.</summary>
internal static class DirectedPlans
{
    /// <summary>
    /// A node is cut off when a reshard has just begun, for longer than the others wait for it; clients go on at it, and ask for no more than that node's own disk. So it
    /// misses the commit, and has what nobody else has.
    /// </summary>
    public static Plan CutOffWhileKeysMove(Plan plan) => WithClients(plan, random =>
    [
        At(FaultKind.Reshard, 0, 0, random), At(FaultKind.Isolation, random.NextDouble() * 0.2, 5 + random.NextDouble(), random),
    ]);

    /// <summary>While keys move, some members of a shard are long behind others, and transfers break off.</summary>
    public static Plan MoveWhileSomeAreBehind(Plan plan) => WithClients(plan, random =>
    [
        .. Enumerable.Range(0, 8).Select(_ => At(random.Next(2) == 0 ? FaultKind.SlowLink : FaultKind.OneWayCut, 0, 1 + (random.NextDouble() * 2), random)),
        At(FaultKind.Reshard, 0.8, 0, random),
        .. Enumerable.Range(0, 6).Select(at => At(FaultKind.ConnectionReset, 0.85 + (at * 0.1), 0, random)),
    ]);

    private static Plan WithClients(Plan plan, Func<Random, Fault[]> episode)
    {
        var random = new Random(plan.Seed);
        var faults = new List<Fault>();
        for (var at = 2.5; at < 20; at += 8) faults.AddRange(episode(random).Select(fault => fault with { At = fault.At + TimeSpan.FromSeconds(at) }));
        WriteConcernLevel[] levels = [WriteConcernLevel.Local, WriteConcernLevel.Default];
        return plan with
        {
            Nodes = 5 + random.Next(2),
            Spares = 0,
            Shards = 1 + random.Next(2),
            Duration = TimeSpan.FromSeconds(26),
            Loss = 0,
            IsPeaceful = false,
            Faults = faults,
            Clients = [.. Enumerable.Range(0, 8).Select(_ => (random.Next(), new ClientHabits(TimeSpan.FromMilliseconds(random.Next(15, 80)), 0.4, 0.05, 40, true, levels, 2)))],
        };
    }

    private static Fault At(FaultKind kind, double after, double length, Random random) => new(kind, TimeSpan.FromSeconds(after), TimeSpan.FromSeconds(length), random.Next());
}
