using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Gateway.Features.Packets.Capture;

/// <summary>
/// Writes a capture in the pcapng format (draft-ietf-opsawg-pcapng): a section header, an interface for each tunnel, a packet each, statistics at the
/// end. Little-endian, times in microseconds, which every reader takes.
/// </summary>
internal sealed class PcapNgWriter(IBufferWriter<byte> output, int snapBytes)
{
    /// <summary>LINKTYPE_RAW: begins with the IP header. LINKTYPE_ETHERNET.</summary>
    public const ushort RawIp = 101, Ethernet = 1;

    private const uint SectionHeader = 0x0A0D_0D0A, InterfaceDescription = 1, EnhancedPacket = 6, InterfaceStatistics = 5, ByteOrderMagic = 0x1A2B_3C4D;
    private const ushort OptEnd = 0, OptComment = 1, ShbUserApplication = 4, IfName = 2, IfDescription = 3, EpbFlags = 2, EpbDropCount = 4, IsbIfReceived = 4, IsbIfDropped = 5;

    // Of epb_flags: reception or transmission, seen from the gateway.
    private const uint Inbound = 1, Outbound = 2;

    private int _interfaces;

    /// <summary>Begins the file.</summary>
    public void Begin(string application) => Write(SectionHeader, body =>
    {
        body.UInt32(ByteOrderMagic);
        body.UInt16(1);
        body.UInt16(0);
        // How long the section is: not known while it is written.
        body.UInt64(ulong.MaxValue);
        body.Option(ShbUserApplication, application);
        body.End();
    });

    /// <summary>Describes a tunnel; the number that its packets name it by.</summary>
    public int AddInterface(ushort linkType, string name, string description)
    {
        Write(InterfaceDescription, body =>
        {
            body.UInt16(linkType);
            body.UInt16(0);
            body.UInt32((uint)snapBytes);
            body.Option(IfName, name);
            body.Option(IfDescription, description);
            body.End();
        });
        return _interfaces++;
    }

    /// <summary>Adds a packet.</summary>
    /// <param name="onInterface">What <see cref="AddInterface"/> gave.</param>
    /// <param name="at">When.</param>
    /// <param name="data">Its first bytes.</param>
    /// <param name="originalBytes">How long it was.</param>
    /// <param name="isFromPeer">Whether it came in.</param>
    /// <param name="lostBefore">Packets that are missing before it.</param>
    /// <param name="comment">What readers show beside it.</param>
    public void AddPacket(int onInterface, DateTimeOffset at, ReadOnlySpan<byte> data, int originalBytes, bool isFromPeer, long lostBefore, string comment)
    {
        var micros = (ulong)((at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        var body = new Body();
        body.UInt32((uint)onInterface);
        body.UInt32((uint)(micros >> 32));
        body.UInt32((uint)micros);
        body.UInt32((uint)data.Length);
        body.UInt32((uint)originalBytes);
        body.Padded(data);
        body.Option(OptComment, comment);
        body.Option(EpbFlags, isFromPeer ? Inbound : Outbound);
        if (lostBefore > 0) body.Option(EpbDropCount, (ulong)lostBefore);
        body.End();
        Write(EnhancedPacket, body);
    }

    /// <summary>Says how many packets of a tunnel were taken, and how many were lost.</summary>
    public void AddStatistics(int onInterface, DateTimeOffset at, long taken, long lost) => Write(InterfaceStatistics, body =>
    {
        var micros = (ulong)((at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        body.UInt32((uint)onInterface);
        body.UInt32((uint)(micros >> 32));
        body.UInt32((uint)micros);
        body.Option(IsbIfReceived, (ulong)(taken + lost));
        body.Option(IsbIfDropped, (ulong)lost);
        body.End();
    });

    private void Write(uint type, Action<Body> fill)
    {
        var body = new Body();
        fill(body);
        Write(type, body);
    }

    /// <summary>A block: type, length, body, length again.</summary>
    private void Write(uint type, Body body)
    {
        var length = 12 + body.Bytes.Length;
        var span = output.GetSpan(length);
        BinaryPrimitives.WriteUInt32LittleEndian(span, type);
        BinaryPrimitives.WriteUInt32LittleEndian(span[4..], (uint)length);
        body.Bytes.CopyTo(span[8..]);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(length - 4)..], (uint)length);
        output.Advance(length);
    }

    /// <summary>What is inside a block; everything in it is padded to 32 bits.</summary>
    private sealed class Body
    {
        private readonly ArrayBufferWriter<byte> _bytes = new(512);

        public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

        public void UInt16(ushort value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(_bytes.GetSpan(2), value);
            _bytes.Advance(2);
        }

        public void UInt32(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(4), value);
            _bytes.Advance(4);
        }

        public void UInt64(ulong value)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(8), value);
            _bytes.Advance(8);
        }

        public void Padded(ReadOnlySpan<byte> value)
        {
            _bytes.Write(value);
            _bytes.Write("\0\0\0"u8[..((4 - (value.Length & 3)) & 3)]);
        }

        public void Option(ushort code, string value)
        {
            var text = Encoding.UTF8.GetBytes(value);
            if (text.Length > ushort.MaxValue) text = text[..ushort.MaxValue];
            UInt16(code);
            UInt16((ushort)text.Length);
            Padded(text);
        }

        public void Option(ushort code, uint value)
        {
            UInt16(code);
            UInt16(4);
            UInt32(value);
        }

        public void Option(ushort code, ulong value)
        {
            UInt16(code);
            UInt16(8);
            UInt64(value);
        }

        public void End()
        {
            UInt16(OptEnd);
            UInt16(0);
        }
    }
}
