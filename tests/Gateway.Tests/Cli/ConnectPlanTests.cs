using System.Net;
using Gateway.Cli.Connect;
using Gateway.Engine;
using Gateway.Protocol;
using Xunit;

namespace Gateway.Tests.Cli;

/// <summary>What connect makes of its file or arguments before it touches anything.</summary>
public sealed class ConnectPlanTests
{
    private static readonly LibcryptoPrimitives Crypto = new();
    private static readonly PrivateKey Own = new(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly string Peer = new PrivateKey(Enumerable.Repeat((byte)2, 32).ToArray()).GetPublicKey(Crypto).ToString();

    private static ConnectPlan Plan(string more, string allowed, bool ipv6 = true, int? mtu = null)
    {
        var errors = new List<WgQuickError>();
        var plan = ConnectPlan.FromFile(File(more, allowed), "wg0", mtu, ipv6, Crypto, errors);
        Assert.Empty(errors);
        return plan;
    }

    private static WgQuickFile File(string more, string allowed, string? peer = null)
    {
        Assert.True(WgQuickFile.TryParse($"[Interface]\nPrivateKey={Own.ToBase64()}\n{more}\n[Peer]\nPublicKey={peer ?? Peer}\nAllowedIPs={allowed}\nEndpoint=192.0.2.1:51820\n", out var file, out var errors), string.Join('\n', errors));
        return file;
    }

    private static string[] Routes(ConnectPlan plan) => [.. plan.Config.KernelRoutes.Select(r => r.ToString())];

    [Fact]
    public void AllowedIps_BecomeRoutes_ExceptTheAddressesOwnNetworks() =>
        Assert.Equal(["192.168.60.0/24", "fd01::/64"], Routes(Plan("Address=10.0.0.2/24, fd00::2/64", "10.0.0.0/24, 192.168.60.0/24, fd00::/64, fd01::/64")));

    [Fact]
    public void DefaultRoute_BecomesItsHalves_AndStaysWholeForThePeer()
    {
        var plan = Plan("", "0.0.0.0/0, ::/0");
        Assert.Equal(["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"], Routes(plan));
        Assert.Equal(["0.0.0.0/0", "::/0"], plan.Config.Peers[0].AllowedIps.Select(p => p.ToString()));
    }

    [Fact]
    public void Ipv6Routes_WhereTheHostHasNone_AreLeftOutAndTold()
    {
        var plan = Plan("", "0.0.0.0/0, ::/0", ipv6: false);
        Assert.Equal(["0.0.0.0/1", "128.0.0.0/1"], Routes(plan));
        Assert.Contains(plan.Notices, n => n.Contains("IPv6", StringComparison.Ordinal));
    }

    [Fact]
    public void Table_Off_MakesNoRoutes() => Assert.Empty(Routes(Plan("Table=off", "0.0.0.0/0")));

    [Fact]
    public void Table_OfANumber_IsRefusedWithItsLine()
    {
        var errors = new List<WgQuickError>();
        ConnectPlan.FromFile(File("Table=123", "0.0.0.0/0"), "wg0", null, true, Crypto, errors);
        Assert.Equal(3, Assert.Single(errors).Line);
    }

    [Fact]
    public void OwnKey_AsPeer_IsRefused()
    {
        var errors = new List<WgQuickError>();
        ConnectPlan.FromFile(File("", "0.0.0.0/0", Own.GetPublicKey(Crypto).ToString()), "wg0", null, true, Crypto, errors);
        Assert.Contains("own PrivateKey", Assert.Single(errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HooksAreTold_AndDnsIsPlanned()
    {
        var plan = Plan("PostUp=touch /tmp/x\nDNS=1.1.1.1\nSaveConfig=true", "10.0.0.0/8");
        Assert.Contains(plan.Notices, n => n.Contains("line 3", StringComparison.Ordinal) && n.Contains("not run: touch /tmp/x", StringComparison.Ordinal));
        Assert.Equal(["1.1.1.1"], plan.Dns.Servers);
        Assert.Contains(plan.Notices, n => n.Contains("SaveConfig", StringComparison.Ordinal));
    }

    [Fact]
    public void Mtu_OfTheCommandLine_WinsOverTheFile()
    {
        Assert.Equal(1400, Plan("MTU=1300", "10.0.0.0/8", mtu: 1400).Config.Mtu);
        Assert.Equal(1300, Plan("MTU=1300", "10.0.0.0/8").Config.Mtu);
        Assert.Equal(1420, Plan("", "10.0.0.0/8").Config.Mtu);
    }

    [Fact]
    public void Peer_WithAnEndpoint_IsDialledAtTheStart()
    {
        var plan = Plan("", "10.0.0.0/8");
        Assert.True(plan.Config.Peers[0].DialOnStart);
        Assert.Equal(plan.Config.Peers[0].Id, Assert.Single(plan.Endpoints).PeerId);
    }

    [Fact]
    public void Plain_IsTheLabsClient()
    {
        var plan = ConnectPlan.Plain(new WgQuickEndpoint("10.0.2.8", 9090), "zhang%d", tap: false, null, 0,
            [new InterfaceAddress(IPAddress.Parse("192.168.53.99"), 24)], [IPNetwork.Parse("192.168.60.0/24"), IPNetwork.Parse("192.168.53.0/24")]);
        Assert.Equal((TunnelTransport.Plain, TunnelLayer.Ip, "zhang%d"), (plan.Config.Transport, plan.Config.Layer, plan.Config.Name));
        Assert.Equal(["192.168.60.0/24"], Routes(plan));
        var peer = Assert.Single(plan.Config.Peers);
        Assert.Equal(["0.0.0.0/0", "::/0"], peer.AllowedIps.Select(p => p.ToString()));
        Assert.Null(peer.AllowedDestinations);
        Assert.Contains("no security", Assert.Single(plan.Notices), StringComparison.Ordinal);
    }

    [Fact]
    public void Watch_TellsSilenceOnceAndTheReturn()
    {
        var watch = new PeerWatch();
        PeerStatus At(long sent, long received) => new(Guid.Empty, "", null, null, null, received > 0 ? DateTimeOffset.UnixEpoch : null, null, received, sent, 0, 0, []);
        Assert.Equal(PeerNews.None, watch.Look(At(148, 92)));
        Assert.Equal(PeerNews.None, watch.Look(At(148, 92)));
        Assert.Equal(PeerNews.None, watch.Look(At(300, 92)));
        Assert.Equal(PeerNews.Silent, watch.Look(At(448, 92)));
        Assert.Equal(PeerNews.StillSilent, watch.Look(At(600, 92)));
        Assert.Equal(PeerNews.None, watch.Look(At(600, 92)));
        Assert.Equal(PeerNews.Back, watch.Look(At(700, 184)));
        Assert.Equal(PeerNews.None, watch.Look(At(800, 200)));
        Assert.Equal(PeerNews.Silent, new PeerWatch().Look(At(148, 0)));
    }
}
