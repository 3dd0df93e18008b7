using Kv.ReshardBench;

// What clients feel of a reshard: six local nodes are filled, sessions read and write through all of them, and the cluster goes from two shards to three and back meanwhile.
//
//   dotnet run -c Release --project bench/Reshard -- [--keys N] [--sessions S] [--seconds S] [--set Section__Option=value]...
//
// --sessions 0 measures reshards at rest. Ends by itself, and leaves nothing behind. docs/performance.md says what the figures were.
if (Settings.Parse(args) is not { } settings)
{
    await Console.Error.WriteLineAsync("usage: Kv.ReshardBench [--keys N] [--sessions S] [--seconds S] [--set Section__Option=value]...");
    return 2;
}

return await new Measurement(settings).RunAsync() ? 0 : 1;
