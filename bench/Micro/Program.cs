using BenchmarkDotNet.Running;

// dotnet run --configuration Release --project bench/Micro -- --filter '*' [--job short]
BenchmarkSwitcher.FromAssembly(typeof(Kv.Micro.TokenBenchmarks).Assembly).Run(args);
