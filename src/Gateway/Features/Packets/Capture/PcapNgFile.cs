using System.Buffers;
using Gateway.Contracts;
using Gateway.Contracts.Live;

namespace Gateway.Features.Packets.Capture;

/// <summary>Packets that somebody has before them, as a pcapng file.</summary>
internal static class PcapNgFile
{
    public static byte[] Of(IReadOnlyList<PacketRow> packets)
    {
        var output = new ArrayBufferWriter<byte>(64 * 1024);
        var writer = new PcapNgWriter(output, packets.Count == 0 ? 0 : packets.Max(p => p.Data.Length));
        writer.Begin($"Gateway {Status.StatusService.Version}");
        var interfaces = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var packet in packets)
        {
            if (!interfaces.TryGetValue(packet.Tunnel, out var number))
            {
                number = writer.AddInterface(packet.Layer == Layers.Ethernet ? PcapNgWriter.Ethernet : PcapNgWriter.RawIp, packet.Tunnel, "inside the tunnel, decrypted");
                interfaces.Add(packet.Tunnel, number);
            }

            var isFromPeer = packet.Direction == PacketDirections.FromPeer;
            writer.AddPacket(number, packet.At, packet.Data, packet.Bytes, isFromPeer, 0,
                $"peer {packet.Peer ?? "unknown"}, {(isFromPeer ? "from it" : "to it")}, {(packet.Verdict == PacketVerdicts.Passed ? packet.Verdict : $"dropped: {packet.Verdict}")}{(packet.Together > 1 ? $", the first of {packet.Together} in a row" : "")}");
        }

        return output.WrittenSpan.ToArray();
    }
}
