using Gateway.Features.Packets;
using PacketDotNet;
using Xunit;

namespace Gateway.Tests.Packets;

public sealed class CraftedPacketTests
{
    [Theory]
    [InlineData(CraftedPacket.Icmp, "10.8.0.2", "192.168.60.101", 20 + 8 + 5)]
    [InlineData(CraftedPacket.Udp, "10.8.0.2", "192.168.60.101", 20 + 8 + 5)]
    [InlineData(CraftedPacket.Tcp, "10.8.0.2", "192.168.60.101", 20 + 20 + 5)]
    [InlineData(CraftedPacket.Icmp, "fd08::2", "fd60::1", 40 + 8 + 5)]
    [InlineData(CraftedPacket.Udp, "fd08::2", "fd60::1", 40 + 8 + 5)]
    [InlineData(CraftedPacket.Tcp, "fd08::2", "fd60::1", 40 + 20 + 5)]
    public void Build_WellFormed_HasLengthsAndChecksumsRight(string protocol, string source, string destination, int length)
    {
        var bytes = Craft(protocol, source, destination).Build().Value!;
        Assert.Equal(length, bytes.Length);
        var ip = (IPPacket)Packet.ParsePacket(LinkLayers.Raw, bytes).PayloadPacket;
        Assert.Equal(source, ip.SourceAddress.ToString());
        Assert.Equal(destination, ip.DestinationAddress.ToString());
        if (ip is IPv4Packet header) Assert.True(header.ValidIPChecksum);
        switch (ip.PayloadPacket)
        {
            case UdpPacket udp:
                Assert.True(udp.ValidUdpChecksum);
                Assert.Equal(53, udp.DestinationPort);
                break;
            case TcpPacket tcp:
                Assert.True(tcp.ValidTcpChecksum);
                Assert.True(tcp.Synchronize);
                break;
            case IcmpV4Packet icmp:
                Assert.True(icmp.ValidIcmpChecksum);
                Assert.Equal(IcmpV4TypeCode.EchoRequest, icmp.TypeCode);
                break;
            case IcmpV6Packet icmp:
                Assert.True(icmp.ValidIcmpChecksum);
                Assert.Equal(IcmpV6Type.EchoRequest, icmp.Type);
                break;
            default:
                Assert.Fail($"{ip.PayloadPacket} was built.");
                break;
        }
    }

    [Fact]
    public void Build_ForAFrame_HasTheEthernetHeader()
    {
        var bytes = (Craft(CraftedPacket.Icmp, "10.8.0.2", "10.8.0.1") with { DestinationMac = "ff:ff:ff:ff:ff:ff" }).Build().Value!;
        var frame = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, bytes);
        Assert.Equal("FFFFFFFFFFFF", frame.DestinationHardwareAddress.ToString());
        Assert.IsType<IPv4Packet>(frame.PayloadPacket);
    }

    [Fact]
    public void Build_Wrong_NamesEveryField()
    {
        var wrong = new CraftedPacket { Protocol = CraftedPacket.Tcp, Source = "10.8.0.300", Destination = "", SourcePort = "70000", Flags = "SYN LOUD", Ttl = "0" };
        Assert.Equal(["source", "destination", "ttl", "sourcePort", "destinationPort", "flags"], wrong.Build().Failure!.Errors.Select(e => e.Field));
        var mixed = Craft(CraftedPacket.Udp, "10.8.0.2", "fd60::1");
        Assert.Equal("destination", Assert.Single(mixed.Build().Failure!.Errors).Field);
    }

    private static CraftedPacket Craft(string protocol, string source, string destination) => new()
    { Protocol = protocol, Source = source, Destination = destination, DestinationPort = "53", Flags = "SYN", Payload = "hello" };
}
