using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>The lab's two programs with each other, without Gateway: what the experiments compare with must itself be right.</summary>
public sealed class PythonProgramsTests
{
    [Fact]
    public async Task PythonPrograms_BothEnds_PassPingsAsTheLabSaw()
    {
        await using var lab = await ThreeHosts.Create();
        await using var server = await PythonProgram.Server(lab.GatewayHost);
        await using var client = await PythonProgram.Client(lab.U, "--route", "192.168.60.0/24");

        var ping = await lab.U.Ping(ThreeHosts.VAddress);

        Assert.Equal((3, 63), (ping.Received, ping.Ttl));
        Assert.Contains("From tun ==>: 192.168.53.99 --> 192.168.60.101", client.Output, StringComparison.Ordinal);
        Assert.Contains("From socket <==: 192.168.53.99 --> 192.168.60.101", server.Output, StringComparison.Ordinal);
        await client.Says("From socket <==: 192.168.60.101 --> 192.168.53.99");
    }

    [Fact]
    public async Task PythonServer_FirstVersion_PrintsOutsideAndInside()
    {
        await using var lab = await ThreeHosts.Create();
        await using var server = await PythonProgram.Server(lab.GatewayHost, "--listen-only");
        await using var client = await PythonProgram.Client(lab.U);

        await lab.U.Ping("192.168.53.1", count: 1, wait: "0.2");

        await server.Says(" --> 0.0.0.0:9090\n Inside: 192.168.53.99 --> 192.168.53.1");
        Assert.Contains("10.0.2.7:", server.Output, StringComparison.Ordinal);
    }
}
