using Xunit.Sdk;
using Xunit.v3;

// Every cluster here has the names and ports that the contract fixes, so there can be only one at a time.
[assembly: Parallelization(Mode = ParallelMode.None)]
