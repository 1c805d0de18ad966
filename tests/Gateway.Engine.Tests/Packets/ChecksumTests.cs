using CsCheck;
using Gateway.Engine.Packets;
using Xunit;

namespace Gateway.Engine.Tests.Packets;

public class ChecksumTests
{
    [Fact]
    public void Add_Rfc1071Example_GivesItsSum()
    {
        byte[] data = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7];
        Assert.Equal(0xDDF2, Checksum.Fold(Checksum.Add(data, 0)));
    }

    [Fact]
    public void Add_AnyData_EqualsPlainLoop() =>
        Gen.Byte.Array[0, 3000].Sample(data => Checksum.Fold(Checksum.Add(data, 0)) == TestPacket.NaiveSum(data), iter: 2000);

    [Fact]
    public void Add_EveryShortLength_EqualsPlainLoop()
    {
        var data = Enumerable.Repeat((byte)0xFF, 200).ToArray();
        for (var length = 0; length <= data.Length; length++)
            Assert.Equal(TestPacket.NaiveSum(data[..length]), Checksum.Fold(Checksum.Add(data.AsSpan(0, length), 0)));
    }

    [Fact]
    public void Add_MoreThanTheVectorLimitOfOnes_DoesNotOverflow()
    {
        var data = Enumerable.Repeat((byte)0xFF, 300_001).ToArray();
        Assert.Equal(TestPacket.NaiveSum(data), Checksum.Fold(Checksum.Add(data, 0)));
    }

    [Fact]
    public void Add_InEvenPieces_EqualsTheWhole() =>
        Gen.Select(Gen.Byte.Array[0, 500], Gen.Byte.Array[0, 500]).Sample((first, second) =>
        {
            if (first.Length % 2 != 0) first = first[1..];
            var chained = Checksum.Add(second, Checksum.Add(first, 0));
            return Checksum.Fold(chained) == Checksum.Fold(Checksum.Add([.. first, .. second], 0));
        });

    [Fact]
    public void Add_SeedNearTheTop_CarriesAround() =>
        Assert.Equal(TestPacket.NaiveSum([0xFF, 0xFF], [0x12, 0x34]), Checksum.Fold(Checksum.Add([0x12, 0x34], 0xFFFF_FFFF)));

    [Fact]
    public void PseudoHeader_BothFamilies_ValidatesPacketsMadeByPlainLoop()
    {
        foreach (var packet in new TestPacket[] { new TestPacket { Payload = [1, 2, 3] }, new TestPacket { Source = "fd00::1", Destination = "fd00::2", Payload = [1, 2, 3] } })
        {
            var bytes = packet.Build();
            Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(bytes, out var info));
            var transport = bytes.AsSpan(info.TransportOffset);
            var sum = Checksum.PseudoHeader(info.Source, info.Destination, info.Protocol, transport.Length);
            Assert.True(Checksum.IsValid(Checksum.Add(transport, sum)));
            transport[^1] ^= 1;
            Assert.False(Checksum.IsValid(Checksum.Add(transport, sum)));
        }
    }
}
