namespace Gateway.Protocol.Tests.Messages;

public sealed class Tai64nTests
{
    [Fact]
    public void Write_UnixEpoch_GivesTheLabelOf1970()
    {
        var bytes = new byte[12];
        Tai64n.From(DateTimeOffset.UnixEpoch).Write(bytes);
        Assert.Equal("400000000000000a00000000", Convert.ToHexStringLower(bytes));
    }

    [Fact]
    public void From_LaterTime_IsAfterAndRoundTrips()
    {
        var early = Tai64n.From(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 900, TimeSpan.Zero));
        var late = Tai64n.From(new DateTimeOffset(2026, 1, 1, 0, 0, 1, 0, TimeSpan.Zero));
        Assert.True(late.IsAfter(early));
        Assert.False(early.IsAfter(late));
        Assert.False(early.IsAfter(early));
        var bytes = new byte[12];
        early.Write(bytes);
        Assert.Equal(early, Tai64n.Read(bytes));
    }

    [Fact]
    public void From_ShowsTheClockOnlyCoarsely()
    {
        var first = Tai64n.From(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 1, TimeSpan.Zero));
        var second = Tai64n.From(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 3, TimeSpan.Zero));
        Assert.Equal(first, second);
    }

    [Fact]
    public void Next_IsAlwaysAfter()
    {
        var time = Tai64n.From(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 990, TimeSpan.Zero));
        for (var step = 0; step < 200; step++)
        {
            Assert.True(time.Next().IsAfter(time));
            Assert.True(time.Next().Nanoseconds < 1_000_000_000);
            time = time.Next();
        }
    }
}
