using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>Experiment 1: the three hosts without a tunnel.</summary>
public sealed class Experiment1NetworkTests
{
    [Fact]
    public async Task Network_WithoutTunnel_UReachesGatewayAndNotV()
    {
        await using var lab = await ThreeHosts.Create();

        Assert.Equal(1, (await lab.U.Ping(ThreeHosts.GatewayOutside, count: 1)).Received);
        Assert.Equal(1, (await lab.GatewayHost.Ping(ThreeHosts.VAddress, count: 1)).Received);

        var ping = await lab.U.Ping(ThreeHosts.VAddress, count: 25, interval: "0.05");
        Assert.Equal(0, ping.Received);
    }
}
