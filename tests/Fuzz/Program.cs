using Kv.Fuzz.Runs;

if (CommandLine.Parse(args, out var error) is not { } line)
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(CommandLine.Usage);
    return 2;
}

var isReplay = line.Round is not null || line.Input is not null;
var figures = isReplay
    ? await FuzzRun.ReplayAsync(line.Targets[0], line.Seed, line.Round, line.Input)
    : await FuzzRun.RunAsync(line.Targets, line.Inputs, line.Seed, line.Parallel, line.Limit, Console.WriteLine);
if (isReplay)
{
    foreach (var text in figures.Failures.SelectMany(failure => failure.Lines())) Console.WriteLine(text);
    foreach (var text in figures.OutcomeLines()) Console.WriteLine(text);
}

foreach (var text in figures.Lines()) Console.WriteLine(text);
Console.WriteLine($"{figures.Inputs - figures.Failures.Count} passed, {figures.Failures.Count} failed");
return figures.Failures.Count == 0 ? 0 : 1;
