using System.Runtime.InteropServices;
using Gateway.Engine.Packets;

namespace Gateway.Engine.Flows;

/// <summary>Which expiry list an entry is in. The numbers are the indexes of the lists' heads.</summary>
internal enum FlowClass : byte
{
    /// <summary>Not in use.</summary>
    Free = 0,
    /// <summary>TCP after its end.</summary>
    ClosedTcp = 1,
    /// <summary>All but TCP.</summary>
    Other = 2,
    /// <summary>TCP.</summary>
    OpenTcp = 3,
}

/// <summary>
/// What makes two packets one conversation, the same for both directions: seen from the peer's side.
/// </summary>
/// <param name="PeerHigh">The peer side's address.</param>
/// <param name="PeerLow">Its second half.</param>
/// <param name="OtherHigh">This side's address.</param>
/// <param name="OtherLow">Its second half.</param>
/// <param name="Tail">From the top: protocol 8 bits, peer index 24, peer's port 16, other port 16.</param>
internal readonly record struct FlowKey(ulong PeerHigh, ulong PeerLow, ulong OtherHigh, ulong OtherLow, ulong Tail)
{
    public static FlowKey FromPeer(int peerIndex, in IpPacket info) =>
        Make(peerIndex, info.Protocol, info.Source, info.SourcePort, info.Destination, info.DestinationPort);

    public static FlowKey ToPeer(int peerIndex, in IpPacket info) =>
        Make(peerIndex, info.Protocol, info.Destination, info.DestinationPort, info.Source, info.SourcePort);

    public byte Protocol => (byte)(Tail >> 56);

    public int PeerIndex => (int)(Tail >> 32) & 0xFF_FFFF;

    public int PeerPort => (ushort)(Tail >> 16);

    public int OtherPort => (ushort)Tail;

    private static FlowKey Make(int peerIndex, byte protocol, InetAddress peer, int peerPort, InetAddress other, int otherPort) => new(
        peer.High, peer.Low, other.High, other.Low,
        ((ulong)protocol << 56) | ((ulong)(peerIndex & 0xFF_FFFF) << 32) | ((ulong)(uint)peerPort << 16) | (uint)otherPort);
}

/// <summary>
/// One direction of a flow in native memory: what a look-up needs in the first cache line, what it counts in the second. Written by the
/// half's one thread; others copy it and believe the copy if <see cref="Sequence"/> was even and has not moved (a seqlock).
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal struct FlowEntry
{
    public const int Bytes = 128;

    /// <summary>Odd while being written.</summary>
    public uint Sequence;
    /// <summary>The next entry in the same bucket, or the next free one; 0 = none.</summary>
    public int BucketNext;
    public int ListPrevious, ListNext;
    public FlowKey Key;
    public uint Hash;
    public byte TcpFlags;
    public FlowClass Class;

    public long Packets, PacketBytes;
    public long FirstSeen, LastSeen;
    /// <summary>The time that the entry's place in its list stands for.</summary>
    public long ListedAt;

    /// <summary>When the last SYN was seen, or the last SYN-ACK; 0 = none.</summary>
    public long SynAt;
    /// <summary>When the first packet behind it was seen; 0 = none yet.</summary>
    public long AfterSynAt;
    /// <summary>The sequence number of the last ICMP echo message.</summary>
    public ushort EchoSequence;
    /// <summary>The largest packet, bytes.</summary>
    public ushort Largest;
}
