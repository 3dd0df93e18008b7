using Xunit.Sdk;
using Xunit.v3;

// Bounds in seconds are part of what is tested; clusters side by side would test the machine.
[assembly: Parallelization(Mode = ParallelMode.None)]
