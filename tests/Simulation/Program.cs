using System.Diagnostics;
using Kv.Simulation.Mutants;
using Kv.Simulation.Runs;

if (args[0] == "m")
{
    var n = int.Parse(args[1]);
    foreach (var name in AllMutants.Names.Where(x => args.Length < 3 || x.Contains(args[2])))
    {
        var caught = 0; var first = 0; var promises = new Dictionary<string, int>();
        for (var s = 1; s <= n; s++)
        {
            var result = Simulation.Run(Plan.Of(s), AllMutants.Make(name));
            if (result.Passed) continue;
            caught++; if (first == 0) first = s;
            var p = result.Violations[0].Promise; promises[p] = promises.GetValueOrDefault(p) + 1;
        }
        Console.WriteLine($"{name,-32} {caught,4}/{n} first {first} {string.Join(", ", promises.OrderByDescending(x => x.Value).Select(x => $"{x.Key} {x.Value}"))}");
    }
    return;
}
var seed = int.Parse(args[0]);
var count = int.Parse(args[1]);
for (var s = seed; s < seed + count; s++)
{
    var watch = Stopwatch.StartNew();
    var result = Simulation.Run(Plan.Of(s), args.Length > 3 ? AllMutants.Make(args[3]) : null, args.Length > 2 && args[2] == "v" ? Console.WriteLine : null);
    Console.WriteLine($"{s}: nodes {result.Plan.Nodes} virtual {result.VirtualTime.TotalSeconds:F1}s x{result.VirtualTime.TotalSeconds / watch.Elapsed.TotalSeconds:F0} ops {result.Operations}/{result.Acknowledged} events {result.Events} msgs {result.Messages} token {result.LongestToken} givenup {result.SessionsGivenUp} faults {result.Faults.Values.Sum()} hash {result.TraceHash:x}");
    foreach (var v in result.Violations.Take(4)) Console.WriteLine("   VIOLATION " + v);
}
