using Xunit.Sdk;
using Xunit.v3;

// One cluster, and bounds in seconds.
[assembly: Parallelization(Mode = ParallelMode.None)]
