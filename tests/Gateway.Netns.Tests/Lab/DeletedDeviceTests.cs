using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>A tunnel's device is deleted from outside, with another tunnel beside it.</summary>
public sealed class DeletedDeviceTests
{
    [Fact]
    public async Task Device_DeletedFromOutside_HealsByItselfWhileTheOtherTunnelPasses()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var healthy = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await lab.Api.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.54.98/24" } });
        await lab.Api.Post("tunnels/tun0/peers", new { name = "second", addresses = new[] { "192.168.54.99/32" } });
        await using var second = await PythonProgram.Client(lab.U, "--address", "192.168.54.99/24");
        await lab.U.Reaches("192.168.54.98");
        var index = await Index(lab.GatewayHost, "tun0");

        var steady = lab.U.Ping(ThreeHosts.VAddress, count: 100, interval: "0.02");
        await lab.GatewayHost.Ip("link del tun0");

        await Eventually.True(async () => await Index(lab.GatewayHost, "tun0") is { } now && now != index, "tun0 being made anew");
        await lab.U.Reaches("192.168.54.98");
        var ping = await steady;
        Assert.True(ping is { Sent: 100, Received: 100 }, ping.Text);
        Assert.Contains("tun0", lab.Gateway.Log, StringComparison.Ordinal);
        Assert.Equal("up", (await lab.Api.Get("tunnels/tun0"))["state"]!.GetValue<string>());
    }

    private static async Task<string?> Index(Host host, string device) =>
        await host.TryIp($"-o link show {device}") is { ExitCode: 0 } result ? result.Output.Split(':')[0] : null;
}
