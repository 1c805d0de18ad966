using CsCheck;

namespace Gateway.Protocol.Tests.Session;

public sealed class ReplayWindowTests
{
    [Fact]
    public void TryAccept_AnySequence_AgreesWithASetAndTheGreatestCounter()
    {
        // Steps near the window's size, its words and far ahead, forward and back.
        var step = Gen.OneOf(
            Gen.Long[-3, 3], Gen.Long[-70, 70], Gen.Long[-ReplayWindow.Bits - 70, -ReplayWindow.Bits + 70],
            Gen.Long[ReplayWindow.Bits - 70, ReplayWindow.Bits + 70], Gen.Long[-20_000, 20_000], Gen.Long[0, 1_000_000]);
        Gen.Select(Gen.Long[0, 100_000], step.Array[1, 200]).Sample((start, steps) =>
        {
            var window = new ReplayWindow();
            var seen = new HashSet<ulong>();
            ulong? greatest = null;
            var at = start;
            foreach (var move in steps)
            {
                at = Math.Max(0, at + move);
                var counter = (ulong)at;
                var expected = !seen.Contains(counter) && (greatest is not { } most || counter > most || most - counter < ReplayWindow.Size);
                Assert.Equal(expected, window.TryAccept(counter));
                if (expected)
                    seen.Add(counter);
                if (expected && (greatest is null || counter > greatest))
                    greatest = counter;
            }
        }, iter: 2000);
    }

    [Fact]
    public void TryAccept_FullWindowInReverse_TakesEachOnce()
    {
        var window = new ReplayWindow();
        Assert.True(window.TryAccept(20_000));
        for (var counter = 19_999UL; counter > 20_000UL - ReplayWindow.Size; counter--)
            Assert.True(window.TryAccept(counter));
        Assert.False(window.TryAccept(20_000 - ReplayWindow.Size));
        for (var counter = 20_000UL; counter > 20_000UL - ReplayWindow.Size; counter--)
            Assert.False(window.TryAccept(counter));
    }

    [Fact]
    public void TryAccept_GreatestLegalCounter_IsTakenOnce()
    {
        var window = new ReplayWindow();
        Assert.True(window.TryAccept(0));
        Assert.True(window.TryAccept(WireGuardConstants.RejectAfterMessages - 1));
        Assert.False(window.TryAccept(WireGuardConstants.RejectAfterMessages - 1));
        Assert.True(window.TryAccept(WireGuardConstants.RejectAfterMessages - 2));
        Assert.False(window.TryAccept(0));
    }
}
