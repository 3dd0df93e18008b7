using System.Runtime.InteropServices;
using Kv.Faults;
using Kv.Faults.Nemesis;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;

if (CommandLine.Parse(args, out var error) is not { } line)
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(CommandLine.Usage);
    return 2;
}

// Told to end, it heals what it has begun and takes away what it made.
using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);

SuiteReport report;
var hasSmallDisk = line.Options.Faults.Contains(FaultKind.FullDisk);
await using (ITestbed testbed = line.OnDocker ? await ContainerTestbed.PrepareAsync(line.Image, hasSmallDisk, Console.WriteLine) : await ProcessTestbed.PrepareAsync(hasSmallDisk))
{
    report = await FaultSuite.RunAsync(testbed, line.Options, Console.WriteLine, stop.Token);
}

var text = Markdown.Of(report);
if (line.Report is { } file) await File.WriteAllTextAsync(file, text);
else Console.WriteLine(text);
Console.WriteLine($"{report.Rounds - report.BrokenRounds.Count} passed, {report.BrokenRounds.Count + report.AtTheEnd.Count} failed");
return report.Violations == 0 && report.Failure is null ? 0 : 1;

void End(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
