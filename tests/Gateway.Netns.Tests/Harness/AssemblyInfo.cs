// Each test makes namespaces of its own, and waits more than it computes: two classes at a time.
[assembly: Xunit.CollectionBehavior(MaxParallelThreads = 2)]
