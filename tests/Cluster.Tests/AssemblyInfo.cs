using Xunit.Sdk;
using Xunit.v3;

// Most of what is tested here is waiting: two clusters side by side. What has bounds in seconds is in Alone, and runs when nothing else does.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 2)]
