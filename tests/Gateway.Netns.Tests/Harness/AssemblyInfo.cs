// Namespaces, devices and timing are shared by the whole machine: one test at a time.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
