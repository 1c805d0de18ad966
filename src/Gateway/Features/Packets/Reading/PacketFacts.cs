using Gateway.Engine;
using Gateway.Engine.Packets;
using Gateway.Features.Flows;
using Gateway.Live.Filters;
using PacketDotNet;
using PacketDotNet.Utils;

namespace Gateway.Features.Packets.Reading;

/// <summary>Who sent a packet to whom, as far as its first bytes say.</summary>
internal readonly record struct PacketFacts(FilterNetwork? Source, FilterNetwork? Destination, string? Protocol, int SourcePort, int DestinationPort)
{
    /// <summary>Reads what there is; any bytes give facts, if only empty ones.</summary>
    public static PacketFacts Read(byte[] data, bool isEthernet)
    {
        try
        {
            if (isEthernet && !PacketHeaders.IsIpFrame(data)) return default;
            if (isEthernet) data = data[PacketHeaders.EthernetBytes..];
            IPPacket? ip = data.Length == 0 ? null : (data[0] >> 4) switch
            {
                4 when data.Length >= 20 => new IPv4Packet(new ByteArraySegment(data)),
                6 when data.Length >= 40 => new IPv6Packet(new ByteArraySegment(data)),
                _ => null,
            };
            if (ip is null) return default;
            var (source, destination) = (FilterNetwork.Of(InetAddress.From(ip.SourceAddress)), FilterNetwork.Of(InetAddress.From(ip.DestinationAddress)));
            var protocol = ServiceNames.Protocol((int)ip.Protocol);
            return ip.PayloadPacket is TransportPacket ports
                ? new PacketFacts(source, destination, protocol, ports.SourcePort, ports.DestinationPort)
                : new PacketFacts(source, destination, protocol, 0, 0);
        }
        catch (Exception exception) when (PacketSummary.IsUnreadable(exception))
        {
            return default;
        }
    }
}
