using System.Net;
using Gateway.Linux.Netlink;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Linux;

/// <summary>Namespace <c>gw</c>: eth0 10.0.2.8/24, fd00:2::8/64 and eth1 192.168.60.1/24, forwarding on, no default route.</summary>
public sealed class KernelNetworkTests : IAsyncLifetime
{
    private Host _gw = null!;

    public async ValueTask InitializeAsync()
    {
        _gw = await Host.Create("gw");
        await _gw.Ip("link add eth0 type veth peer name peer0");
        await _gw.Ip("link add eth1 type veth peer name peer1");
        await _gw.Ip("addr add 10.0.2.8/24 dev eth0");
        await _gw.Ip("addr add fd00:2::8/64 dev eth0 nodad");
        await _gw.Ip("addr add 192.168.60.1/24 dev eth1");
        foreach (var device in new[] { "eth0", "peer0", "eth1", "peer1" }) await _gw.Ip($"link set {device} up");
        await _gw.SetSysctl("net.ipv4.ip_forward", "1");
        foreach (var device in new[] { "all", "default", "eth0", "eth1" }) await _gw.SetSysctl($"net.ipv4.conf.{device}.rp_filter", "0");
    }

    public ValueTask DisposeAsync() => _gw.DisposeAsync();

    [Fact]
    public async Task Reads_OfOneHost_MatchWhatIpShows()
    {
        await _gw.Ip("link set eth1 mtu 1400");
        await _gw.Ip("route add 172.16.0.0/12 via 192.168.60.101 metric 50");
        var (links, addresses, routes) = _gw.In(() => (KernelNetwork.ReadLinks(), KernelNetwork.ReadAddresses(), KernelNetwork.ReadRoutes()));

        var eth1 = links.Single(l => l.Name == "eth1");
        Assert.True(eth1 is { Up: true, Running: true, Mtu: 1400, Kind: "veth" }, eth1.ToString());
        Assert.Contains(new KernelAddress(eth1.Index, IPAddress.Parse("192.168.60.1"), 24), addresses);
        Assert.Contains(addresses, a => a.Address.Equals(IPAddress.Parse("fd00:2::8")) && a.PrefixLength == 64);
        Assert.Contains(routes, r => r is { Table: 254, Metric: 50, Type: 1 } && r.Prefix == IPNetwork.Parse("172.16.0.0/12") &&
            r.LinkIndex == eth1.Index && r.Gateway!.Equals(IPAddress.Parse("192.168.60.101")));
        Assert.Contains(routes, r => r.Prefix == IPNetwork.Parse("fd00:2::/64") && r.Protocol == 2);
        Assert.All(_gw.In(() => KernelNetwork.ReadRoutes(eth1.Index)), r => Assert.Equal(eth1.Index, r.LinkIndex));
    }

    [Fact]
    public void LookUpRoute_ForwardedPacket_NamesTheOutputDevice()
    {
        var found = Ask("192.168.60.101", "10.0.2.7", "eth0", out var eth1);
        Assert.Equal(0, found.Error);
        Assert.Equal(eth1, found.Route!.LinkIndex);
    }

    [Fact]
    public void LookUpRoute_NoRoute_IsUnreachable()
    {
        var found = Ask("203.0.113.1", "10.0.2.7", "eth0", out _);
        Assert.Null(found.Route);
        Assert.Equal(101, found.Error);
        Assert.Contains("ENETUNREACH", found.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LookUpRoute_SourceThatRpFilterRefuses_IsAnError()
    {
        Assert.Equal(0, Ask("192.168.60.101", "192.168.30.99", "eth0", out _).Error);
        await _gw.SetSysctl("net.ipv4.conf.eth0.rp_filter", "1");
        Assert.True(Ask("192.168.60.101", "192.168.30.99", "eth0", out _).Error is 22 or 18);
    }

    [Fact]
    public void LookUpRoute_OwnPacket_PicksASource()
    {
        var found = _gw.In(() => KernelNetwork.LookUpRoute(IPAddress.Parse("10.0.2.7")));
        Assert.Equal(IPAddress.Parse("10.0.2.8"), found.Route!.PreferredSource);
        Assert.Equal(0, _gw.In(() => KernelNetwork.LookUpRoute(IPAddress.Parse("fd00:2::7"))).Error);
    }

    private RouteLookup Ask(string destination, string source, string input, out int eth1)
    {
        var (found, index) = _gw.In(() =>
        {
            var links = KernelNetwork.ReadLinks();
            return (KernelNetwork.LookUpRoute(IPAddress.Parse(destination), IPAddress.Parse(source), links.Single(l => l.Name == input).Index),
                links.Single(l => l.Name == "eth1").Index);
        });
        eth1 = index;
        return found;
    }
}
