using Xunit.Sdk;
using Xunit.v3;

// Each test may use every core itself.
[assembly: Parallelization(Mode = ParallelMode.None)]
