using System.Net;
using CsCheck;
using Gateway.Engine.Packets;
using Xunit;

namespace Gateway.Engine.Tests.Packets;

public class IpPacketTests
{
    [Fact]
    public void TryParse_TcpOverV4_ReadsEveryField()
    {
        var packet = new TestPacket { Flags = TcpFlags.Syn | TcpFlags.Ece, Payload = new byte[5] }.Build();
        byte[] padded = [.. packet, 0, 0, 0];

        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(padded, out var info));
        Assert.Equal((4, 20, 20, 45), (info.Version, info.HeaderBytes, info.TransportOffset, info.TotalBytes));
        Assert.Equal((IpProtocol.Tcp, 40000, 5001), (info.Protocol, info.SourcePort, info.DestinationPort));
        Assert.Equal((byte)(TcpFlags.Syn | TcpFlags.Ece), info.TcpFlags);
        Assert.False(info.IsFragment);
        Assert.Equal(InetAddress.From(IPAddress.Parse("192.168.53.99")), info.Source);
        Assert.Equal(InetAddress.From(IPAddress.Parse("192.168.60.101")), info.Destination);
    }

    [Fact]
    public void TryParse_V4Options_AreSkipped()
    {
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(new TestPacket { IpOptions = [1, 1, 1, 0, 0, 0, 0, 0] }.Build(), out var info));
        Assert.Equal((28, 40000), (info.HeaderBytes, info.SourcePort));
    }

    [Fact]
    public void TryParse_V6ExtensionHeaders_AreWalked()
    {
        var udp = new TestPacket { Source = "fd00::1", Destination = "fd00::2", Protocol = IpProtocol.Udp, Payload = [9] }.Build();
        byte[] hopByHop = [IpProtocol.DestinationOptions, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        byte[] destinationOptions = [IpProtocol.Udp, 0, 0, 0, 0, 0, 0, 0];
        byte[] packet = [.. udp[..40], .. hopByHop, .. destinationOptions, .. udp[40..]];
        packet[5] += 24;
        packet[6] = IpProtocol.HopByHop;

        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(packet, out var info));
        Assert.Equal((64, IpProtocol.Udp, 40000, 5001), (info.HeaderBytes, info.Protocol, info.SourcePort, info.DestinationPort));
        Assert.Equal(PacketStatus.Malformed, IpPacket.TryParse(WithPayloadLength(packet[..60], 20), out _));
    }

    [Fact]
    public void TryParse_V6Fragments_FirstHasPortsLaterHasNone()
    {
        var udp = new TestPacket { Source = "fd00::1", Destination = "fd00::2", Protocol = IpProtocol.Udp, Payload = [9] }.Build();
        byte[] first = [.. udp[..40], IpProtocol.Udp, 0, 0, 1, 0, 0, 0, 9, .. udp[40..]];
        first[5] += 8;
        first[6] = IpProtocol.Fragment;
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(first, out var info));
        Assert.Equal((true, 40000), (info.IsFragment, info.SourcePort));

        first[42] = 1;
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(first, out info));
        Assert.Equal((true, 0, IpProtocol.Udp), (info.IsFragment, info.SourcePort, info.Protocol));
    }

    [Theory]
    [InlineData(0x2000, true, 40000)]
    [InlineData(0x0001, true, 0)]
    [InlineData(0x4000, false, 40000)]
    public void TryParse_V4FragmentField_DecidesAboutPorts(int field, bool isFragment, int port)
    {
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(new TestPacket { FragmentField = (ushort)field }.Build(), out var info));
        Assert.Equal((isFragment, port), (info.IsFragment, info.SourcePort));
    }

    [Fact]
    public void TryParse_IcmpEcho_GivesItsIdentifierAsBothPorts()
    {
        var echo = new TestPacket { Protocol = IpProtocol.Icmp, Payload = [8, 0, 0, 0, 0x12, 0x34, 0, 1] }.Build();
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(echo, out var info));
        Assert.Equal((0x1234, 0x1234), (info.SourcePort, info.DestinationPort));

        var unreachable = new TestPacket { Protocol = IpProtocol.Icmp, Payload = [3, 1, 0, 0, 0x12, 0x34, 0, 1] }.Build();
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(unreachable, out info));
        Assert.Equal((0, 0), (info.SourcePort, info.DestinationPort));

        var echo6 = new TestPacket { Source = "fd00::1", Destination = "fd00::2", Protocol = IpProtocol.IcmpV6, Payload = [129, 0, 0, 0, 0x12, 0x34, 0, 1] }.Build();
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(echo6, out info));
        Assert.Equal(0x1234, info.SourcePort);
    }

    [Fact]
    public void TryParse_TransportCutShort_StaysOkWithoutPorts()
    {
        var packet = new TestPacket { Protocol = IpProtocol.Icmp, Payload = [1, 2, 3] }.Build();
        packet[9] = IpProtocol.Tcp;
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(packet, out var info));
        Assert.Equal((0, 0, 0), (info.SourcePort, info.DestinationPort, info.TcpFlags));
    }

    [Fact]
    public void TryParse_NotIp_SaysSo()
    {
        Assert.Equal(PacketStatus.NotIp, IpPacket.TryParse([], out _));
        Assert.Equal(PacketStatus.NotIp, IpPacket.TryParse("this is no packet"u8, out _));
        Assert.Equal(PacketStatus.NotIp, IpPacket.TryParse(new byte[40], out _));
    }

    [Fact]
    public void TryParse_LengthsThatDisagree_AreMalformed()
    {
        var v4 = new TestPacket { Payload = new byte[10] }.Build();
        var v6 = new TestPacket { Source = "fd00::1", Destination = "fd00::2", Payload = new byte[10] }.Build();
        for (var length = 1; length < v4.Length; length++) Assert.Equal(PacketStatus.Malformed, IpPacket.TryParse(v4.AsSpan(0, length), out _));
        for (var length = 1; length < v6.Length; length++) Assert.Equal(PacketStatus.Malformed, IpPacket.TryParse(v6.AsSpan(0, length), out _));

        v4[0] = 0x44;
        Assert.Equal(PacketStatus.Malformed, IpPacket.TryParse(v4, out _));
        v4[0] = 0x45;
        (v4[2], v4[3]) = (0, 19);
        Assert.Equal(PacketStatus.Malformed, IpPacket.TryParse(v4, out _));
    }

    [Fact]
    public void TryParse_V6WithMappedAddress_IsMalformed()
    {
        var packet = new TestPacket { Source = "fd00::1", Destination = "fd00::2" }.Build();
        IPAddress.Parse("10.0.0.1").MapToIPv6().GetAddressBytes().CopyTo(packet, 8);
        Assert.Equal(PacketStatus.Malformed, IpPacket.TryParse(packet, out _));
    }

    [Fact]
    public void TryParse_AnyBytes_NeverThrowsAndStaysInside() =>
        Gen.Select(Gen.Byte.Array[0, 120], Gen.OneOf(4, 6), Gen.OneOf(0, 6, 17, 43, 44, 51, 60)).Sample((data, version, next) =>
        {
            if (data.Length > 8) (data[0], data[2], data[4]) = ((byte)((version << 4) | (data[0] & 7)), 0, 0);
            if (data.Length > 8 && version == 6) data[6] = (byte)next;
            return IpPacket.TryParse(data, out var info) != PacketStatus.Ok || (info.HeaderBytes <= info.TotalBytes && info.TotalBytes <= data.Length);
        }, iter: 20_000);

    private static byte[] WithPayloadLength(byte[] packet, byte length)
    {
        packet[5] = length;
        return packet;
    }
}
