using Xunit;

namespace Gateway.Engine.Tests.Packets;

internal static class Allocations
{
    /// <summary>Runs a step 10,000 times and fails if this thread allocated anything.</summary>
    public static void AreNone(Action step)
    {
        for (var i = 0; i < 100; i++) step();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++) step();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
