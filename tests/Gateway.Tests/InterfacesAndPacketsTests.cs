using System.Net;
using Gateway.Engine.Ports;
using Gateway.Testing;
using Xunit;

namespace Gateway.Tests;

public sealed class InterfacesAndPacketsTests
{
    [Fact]
    public async Task Interface_RpFilterSet_IsSetShownAndPutBackOnNull()
    {
        await using var host = await TestHost.StartAsync();
        var set = await host.Patch("interfaces/eth0", new { rpFilter = "loose" });
        Assert.Equal(("loose", "loose", "loose", false), Show(set));
        Assert.Equal(2, host.Kernel.RpFilters["eth0"]);
        host.Kernel.RpFilters["eth0"] = 0;
        host.Kernel.RpFilters["all"] = 1;
        Assert.Equal(("off", "strict", "loose", true), Show(await host.Get("interfaces/eth0")));
        Assert.Equal(4, (await host.Get("interfaces"))["items"]!.AsArray().Count);
        await host.Patch("interfaces/eth0", new { rpFilter = (string?)null });
        Assert.Equal(1, host.Kernel.RpFilters["eth0"]);
        Assert.Equal(["rpFilter"], await host.Fields(HttpMethod.Patch, "interfaces/eth0", new { rpFilter = "on" }, HttpStatusCode.UnprocessableEntity));
        await host.Patch("interfaces/eth9", new { rpFilter = "off" }, HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Interface_KernelRefuses_IsToldInItsWordsWithRemedy()
    {
        await using var host = await TestHost.StartAsync();
        host.Kernel.Refusal = new PortException("/proc/sys is mounted read-only (EROFS).", "Start the container with --sysctl.");
        var set = await host.Patch("interfaces/eth0", new { rpFilter = "off" });
        Assert.True(set["drift"]!.GetValue<bool>());
        Assert.Contains("EROFS", set["problem"]!["cause"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("--sysctl", (await host.Get("status"))["warnings"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interface_WantedOfATunnelsDevice_IsSetAgainWhenItAppears()
    {
        using var directory = new TemporaryDirectory();
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            host.Kernel.RpFilters["wg0"] = 1;
            await host.Wg0();
            await host.Patch("interfaces/wg0", new { rpFilter = "loose" });
        }

        await using var again = await TestHost.StartAsync(directory.Path, prepare: h => h.Kernel.RpFilters["wg0"] = 1);
        await Eventually.True(() => Task.FromResult(again.Kernel.RpFilters["wg0"] == 2), "rp_filter of wg0");
    }

    [Fact]
    public async Task Forwarding_Off_IsAWarningWithItsRemedy()
    {
        await using var host = await TestHost.StartAsync(prepare: h => h.Kernel.Forwards = false);
        await host.Wg0();
        Assert.Contains("sysctl -w net.ipv4.ip_forward=1", (await host.Get("status"))["warnings"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Packet_ToDevice_IsWrittenThere()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var packet = TestPackets.Udp("192.168.53.99", "192.168.60.101", "hello"u8);
        var written = await host.Post("tunnels/wg0/packets", new { to = "device", hex = Convert.ToHexString(packet) }, HttpStatusCode.OK);
        Assert.Equal(packet.Length, written["bytes"]!.GetValue<int>());
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var frame = await host.Ports.Device!.Written.ReadAsync(deadline.Token);
        Assert.Equal(packet, frame[^packet.Length..]);
    }

    [Theory]
    [InlineData("""{"to":"device","hex":"68656c6c6f"}""", "hex")]
    [InlineData("""{"to":"device","hex":"zz"}""", "hex")]
    [InlineData("""{"to":"device","hex":"450"}""", "hex")]
    [InlineData("""{"to":"moon"}""", "hex", "to")]
    [InlineData("""{"to":"peer","peer":"nobody","hex":"45"}""", "peer")]
    public async Task Packet_Garbage_Is422WithTheReason(string body, params string[] fields)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Equal(fields, await host.Fields(HttpMethod.Post, "tunnels/wg0/packets", body, HttpStatusCode.UnprocessableEntity));
    }

    [Fact]
    public async Task Packet_TunnelDown_Is409()
    {
        await using var host = await TestHost.StartAsync(prepare: h => h.Ports.DeviceFailure = new PortException("No.", "None."));
        await host.Wg0();
        await host.Post("tunnels/wg0/packets", new { to = "device", hex = "45" }, HttpStatusCode.Conflict);
    }

    private static (string Own, string Effective, string Desired, bool Drift) Show(System.Text.Json.Nodes.JsonNode json) =>
        (json["rpFilter"]!.GetValue<string>(), json["effectiveRpFilter"]!.GetValue<string>(), json["desiredRpFilter"]!.GetValue<string>(), json["drift"]!.GetValue<bool>());
}

internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("gateway-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
