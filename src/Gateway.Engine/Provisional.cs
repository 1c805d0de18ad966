// Provisional: goes when Flows/ and Taps/ arrive; delete this file then.
#pragma warning disable CA1822, IDE0005, IDE0161
using Gateway.Engine.Packets;

namespace Gateway.Engine.Flows
{
    /// <summary>One conversation.</summary>
    public sealed record FlowRecord(int PeerIndex, InetAddress PeerAddress, InetAddress OtherAddress, long BytesFromPeer, long BytesToPeer);
    internal sealed class FlowHalf { public void Record(int peer, in IpPacket packet, int packets, int bytes, long now) { } }
    internal sealed class FlowTable(int capacity) : IDisposable { public FlowHalf Outbound { get; } = new(); public FlowHalf Inbound { get; } = new(); public int Capacity => capacity; public IReadOnlyList<FlowRecord> Snapshot(long now) => []; public void Dispose() { } }
}

namespace Gateway.Engine.Taps
{
    internal enum TapDirection { ToPeer, FromPeer }
    /// <summary>A watcher.</summary>
    public sealed class PacketTapReader;
    internal sealed class PacketTap : IDisposable { public bool IsWatched => false; public void Write(TapDirection direction, int peer, DropReason? verdict, long now, ReadOnlySpan<byte> packet, int bytes) { } public PacketTapReader Watch() => new(); public void Dispose() { } }
}
