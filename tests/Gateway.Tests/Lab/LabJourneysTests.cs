using System.Buffers.Binary;
using System.Net;
using Gateway.Contracts.Lab;
using Gateway.Features.Lab.Watching;
using Gateway.Features.Packets;
using Xunit;

namespace Gateway.Tests.Lab;

/// <summary>A packet is the same one at all points, whatever carries it.</summary>
public sealed class LabJourneysTests
{
    private const long Second = TimeSpan.TicksPerSecond;
    private static readonly byte[] Ping = new CraftedPacket { Protocol = CraftedPacket.Icmp, Source = "192.168.53.99", Destination = "192.168.60.101", Payload = new string('x', 56) }.Build().Value!;
    private readonly LabJourneys _journeys = new();
    private long _number;

    [Fact]
    public void Ping_InAPlainDatagram_IsReadThere()
    {
        var device = See(LabHosts.U, "zhang0", Ping, outgoing: true)!;
        var wire = See(LabHosts.U, "eth0", Frame(Datagram(9090, Ping)), outgoing: true, isEthernet: true)!;
        Assert.Equal((device.Journey, device.Subject), (wire.Journey, wire.Subject));
        Assert.Equal((true, false, LabPoints.UOutside), (wire.IsTunnel, wire.IsInferred, wire.Point));
        Assert.Equal((84, 64), (device.Bytes, device.Ttl));
    }

    [Fact]
    public void Ping_InAWireGuardDatagram_IsConcludedFromLengthAndKnownOnTheOtherSide()
    {
        var device = See(LabHosts.U, "host-u", Ping, outgoing: true)!;
        var sent = See(LabHosts.U, "eth0", Frame(Datagram(51820, Sealed(7, 1, 128))), outgoing: true, isEthernet: true)!;
        var arrived = See(LabHosts.Gateway, "eth0", Frame(Datagram(51820, Sealed(7, 1, 128))), outgoing: false, isEthernet: true)!;
        Assert.Equal((device.Journey, true), (sent.Journey, sent.IsInferred));
        Assert.Equal((device.Journey, device.Subject), (arrived.Journey, arrived.Subject));
    }

    [Fact]
    public void WireGuardDatagram_OfAnotherLengthOrMuchLater_IsNotTakenForThePing()
    {
        See(LabHosts.U, "host-u", Ping, outgoing: true);
        Assert.Equal("WireGuard data", See(LabHosts.U, "eth0", Frame(Datagram(51820, Sealed(7, 1, 144))), outgoing: true, isEthernet: true)!.Subject);
        Assert.Equal("WireGuard data", See(LabHosts.U, "eth0", Frame(Datagram(51820, Sealed(7, 2, 128))), outgoing: true, isEthernet: true, at: 9 * Second)!.Subject);
        Assert.Equal("WireGuard keepalive", See(LabHosts.U, "eth0", Frame(Datagram(51820, Sealed(7, 3, 32))), outgoing: true, isEthernet: true)!.Subject);
    }

    [Fact]
    public void TheSamePacket_ByTheSamePointAgain_IsAnotherOne()
    {
        var first = See(LabHosts.V, "eth0", Frame(Ping), outgoing: false, isEthernet: true)!;
        Assert.NotEqual(first.Journey, See(LabHosts.V, "eth0", Frame(Ping), outgoing: false, isEthernet: true)!.Journey);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("lo")]
    public void DeviceThatIsNoPoint_IsLeftOut(string device) => Assert.Null(See(LabHosts.Gateway, device, Frame(Ping), outgoing: true, isEthernet: true));

    [Theory]
    [InlineData("")]
    [InlineData("68656c6c6f")]
    [InlineData("4500")]
    [InlineData("ffffffffffff0200000000010806")]
    public void AnyBytes_GiveARowOrNone(string hex)
    {
        foreach (var isEthernet in new[] { true, false }) _ = See(LabHosts.U, "zhang0", Convert.FromHexString(hex), outgoing: true, isEthernet);
    }

    private LabPacket? See(string host, string device, byte[] data, bool outgoing, bool isEthernet = false, long at = Second) =>
        _journeys.Read(++_number, host, new LabCaptureLine { At = at, Device = device, IsOutgoing = outgoing, IsEthernet = isEthernet, Bytes = data.Length, Data = data });

    private static byte[] Frame(byte[] ip) => [0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00, .. ip];

    private static byte[] Sealed(uint index, ulong counter, int bytes)
    {
        var message = new byte[bytes];
        message[0] = 4;
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), index);
        BinaryPrimitives.WriteUInt64LittleEndian(message.AsSpan(8), counter);
        return message;
    }

    private static byte[] Datagram(int port, byte[] payload)
    {
        var packet = new byte[28 + payload.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        (packet[8], packet[9]) = (64, 17);
        IPAddress.Parse(LabAddresses.U).GetAddressBytes().CopyTo(packet, 12);
        IPAddress.Parse(LabAddresses.GatewayOutside).GetAddressBytes().CopyTo(packet, 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), 40998);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), (ushort)port);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), (ushort)(8 + payload.Length));
        payload.CopyTo(packet, 28);
        return packet;
    }
}
