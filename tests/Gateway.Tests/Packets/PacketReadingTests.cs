using Gateway.Contracts.Live;
using Gateway.Features.Packets.Reading;
using Gateway.Testing;
using Xunit;

namespace Gateway.Tests.Packets;

public sealed class PacketReadingTests
{
    private static readonly byte[] Ten = new byte[10];

    public static TheoryData<string, byte[]> Lines => new()
    {
        { "IP 192.168.53.99.1111 > 192.168.60.101.53: UDP, length 10", TestPackets.Udp("192.168.53.99", "192.168.60.101", Ten, 1111, 53) },
        { "IP 192.168.53.99.40000 > 192.168.60.101.443: Flags [S], seq 7, win 65000, length 0", TestPackets.Tcp("192.168.53.99", "192.168.60.101", 7, 0x02, [], 40_000, 443) },
        { "IP 192.168.53.99.1 > 192.168.60.101.2: Flags [P.], seq 7:17, ack 1, win 65000, length 10", TestPackets.Tcp("192.168.53.99", "192.168.60.101", 7, 0x18, Ten, 1, 2) },
        { "IP 192.168.53.99 > 192.168.60.101: ICMP echo request, id 77, seq 5, length 64", TestPackets.Echo("192.168.53.99", "192.168.60.101", 77, 5) },
        { "IP 192.168.60.101 > 192.168.53.99: ICMP echo reply, id 77, seq 5, length 64", TestPackets.Echo("192.168.60.101", "192.168.53.99", 77, 5, isReply: true) },
        { "IP6 fd53::99 > fd60::1: ICMP6, echo request, id 77, seq 5, length 64", TestPackets.Echo("fd53::99", "fd60::1", 77, 5) },
        { "IP6 fd53::99.1111 > fd60::1.2222: UDP, length 10", TestPackets.Udp("fd53::99", "fd60::1", Ten) },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void Summary_OfAPacket_IsWhatTcpdumpPrints(string expected, byte[] packet)
    {
        Assert.Equal(expected, PacketSummary.Of(packet, isEthernet: false));
        byte[] frame = [.. new byte[12], .. packet[0] >> 4 == 4 ? new byte[] { 8, 0 } : [0x86, 0xDD], .. packet];
        Assert.Equal(expected, PacketSummary.Of(frame, isEthernet: true));
    }

    [Fact]
    public void Summary_OfHeadersAlone_TellsTheWholeLength() =>
        Assert.Equal("IP 192.168.53.99.1 > 192.168.60.101.2: Flags [P.], seq 7:17, ack 1, win 65000, length 10",
            PacketSummary.Of(TestPackets.Tcp("192.168.53.99", "192.168.60.101", 7, 0x18, Ten, 1, 2)[..40], isEthernet: false));

    [Fact]
    public void Tree_OfATcpPacket_HasEachFieldsBytes()
    {
        var packet = TestPackets.Tcp("192.168.53.99", "192.168.60.101", 0x01020304, 0x18, Ten, 40_000, 443);
        var tree = PacketDissector.Dissect(packet, isEthernet: false);
        Assert.Equal([("Internet Protocol Version 4", 0, 20), ("Transmission Control Protocol", 20, 20), ("Payload", 40, 10)], tree.Select(layer => (layer.Name, layer.Offset, layer.Length)));
        var sequence = Assert.Single(tree[1].Parts, part => part.Name == "Sequence number");
        Assert.Equal(("16909060", 24, 4), (sequence.Value, sequence.Offset, sequence.Length));
        Assert.Equal("PSH, ACK", Assert.Single(tree[1].Parts, part => part.Name == "Flags").Value);
        var destination = Assert.Single(tree[0].Parts, part => part.Name == "Destination");
        Assert.Equal(("192.168.60.101", 16, 4), (destination.Value, destination.Offset, destination.Length));
        Assert.All(Flatten(tree), part => Assert.InRange(part.Offset + part.Length, 0, packet.Length));
    }

    [Fact]
    public void Tree_OfARow_BeginsWithTheDatagramAround()
    {
        var row = new PacketRow
        {
            Number = 1,
            At = DateTimeOffset.UnixEpoch,
            Tunnel = "wg0",
            Direction = PacketDirections.FromPeer,
            Verdict = PacketVerdicts.Passed,
            Summary = "",
            Layer = "ip",
            Bytes = 84,
            Data = TestPackets.Echo("fd53::99", "fd60::1", 77, 5)[..48],
            OuterRemote = "10.0.2.7:40000",
            OuterLocalPort = 51820,
        };
        var tree = PacketDissector.Dissect(row);
        Assert.Equal("10.0.2.7:40000 → this gateway:51820", tree[0].Value);
        Assert.Equal("echo request, id 77, seq 5", tree[2].Value);
    }

    [Fact]
    public void AnyBytes_GiveALineFactsAndATreeWithinThem()
    {
        var random = new Random(5);
        var samples = Lines.Select(line => line.Data.Item2).ToList();
        for (var i = 0; i < 20_000; i++)
        {
            var sample = samples[random.Next(samples.Count)];
            var bytes = sample[..random.Next(1, Math.Min(sample.Length, 60) + 1)];
            for (var flips = random.Next(4); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            foreach (var isEthernet in (ReadOnlySpan<bool>)[false, true])
            {
                Assert.NotEmpty(PacketSummary.Of(bytes, isEthernet));
                _ = PacketFacts.Read(bytes, isEthernet);
                Assert.All(Flatten(PacketDissector.Dissect(bytes, isEthernet)), part => Assert.True(part.Offset >= 0 && part.Length >= 0 && part.Offset + part.Length <= bytes.Length));
            }
        }
    }

    private static IEnumerable<PacketPart> Flatten(IEnumerable<PacketPart> parts) => parts.SelectMany(part => Flatten(part.Parts).Prepend(part));
}
