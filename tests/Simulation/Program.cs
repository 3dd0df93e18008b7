using System.Diagnostics;
using Kv.Simulation.Runs;

var seed = int.Parse(args[0]);
var count = int.Parse(args[1]);
for (var s = seed; s < seed + count; s++)
{
    var watch = Stopwatch.StartNew();
    var result = Simulation.Run(Plan.Of(s), null, args.Length > 2 ? Console.WriteLine : null);
    Console.WriteLine($"{s}: nodes {result.Plan.Nodes} virtual {result.VirtualTime.TotalSeconds:F1}s x{result.VirtualTime.TotalSeconds / watch.Elapsed.TotalSeconds:F0} ops {result.Operations}/{result.Acknowledged} events {result.Events} msgs {result.Messages} token {result.LongestToken} givenup {result.SessionsGivenUp} faults {result.Faults.Values.Sum()} hash {result.TraceHash:x}");
    foreach (var v in result.Violations.Take(4)) Console.WriteLine("   VIOLATION " + v);
}
