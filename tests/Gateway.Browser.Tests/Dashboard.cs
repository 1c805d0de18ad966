using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>
/// The lab's three hosts with a running gateway, a browser on the gateway's own loopback, and our client on U:
/// <code>
///   U eth0 10.0.2.7 ---- 10.0.2.8 eth0  gateway  eth1 192.168.60.1 ---- 192.168.60.101 eth0 V
///   wg-u 192.168.53.2                   wg0 192.168.53.1
///                                       browser → http://127.0.0.1:8080
/// </code>
/// </summary>
public sealed class Dashboard : IAsyncLifetime
{
    internal ThreeHosts Lab { get; private set; } = null!;

    internal Browser Browser { get; private set; } = null!;

    /// <summary>The peer that our client on U is.</summary>
    internal string PeerId { get; private set; } = "";

    private Child? Client { get; set; }

    private TemporaryDirectory Files { get; } = new();

    public async ValueTask InitializeAsync()
    {
        Lab = await ThreeHosts.WithGateway();
        await Lab.Api.Post("tunnels", new { name = "wg0", listenPort = 51820, addresses = new[] { "192.168.53.1/24" }, endpoint = $"{ThreeHosts.GatewayOutside}:51820" });
        var peer = await Lab.Api.Post("tunnels/wg0/peers", new { name = "host-u", addresses = new[] { "192.168.53.2/32" } });
        PeerId = peer["id"]!.GetValue<string>();
        await Connect();
        Browser = await Browser.StartIn(Lab.GatewayHost);
    }

    /// <summary>Connects our client on U, with the configuration as it is now unless another is given.</summary>
    internal async Task Connect(string? config = null)
    {
        if (Client is not null) await Client.Stop();
        var file = Path.Combine(Files.Path, "wg-u.conf");
        await File.WriteAllTextAsync(file, config ?? await Lab.Api.Config(PeerId));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Client = Lab.U.Start(Binaries.Cli, "connect", file);
        await Lab.U.Reaches("192.168.53.1");
    }

    internal Task<Window> Open() => Browser.Open(GatewayProcess.Token);

    public async ValueTask DisposeAsync()
    {
        if (Browser is not null) await Browser.DisposeAsync();
        if (Client is not null) await Client.DisposeAsync();
        if (Lab is not null) await Lab.DisposeAsync();
        Files.Dispose();
    }
}
