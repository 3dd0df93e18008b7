// Each test may use every core itself.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
