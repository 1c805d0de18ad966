using Xunit;

namespace Gateway.Engine.Tests.Packets;

internal static class Allocations
{
    private const int Rounds = 5;

    /// <summary>Runs a step 10,000 times and fails if this thread allocated anything.</summary>
    /// <remarks>
    /// A collection that another test's thread causes ends this thread's allocation context, whose rest then counts as allocated. So one
    /// round without any is enough; a step that allocates does so in every round.
    /// </remarks>
    public static void AreNone(Action step)
    {
        for (var i = 0; i < 100; i++) step();
        long allocated = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10_000; i++) step();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0) return;
        }

        Assert.Equal(0, allocated);
    }
}
