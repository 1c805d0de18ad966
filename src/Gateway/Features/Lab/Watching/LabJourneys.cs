using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using Gateway.Contracts.Lab;
using Gateway.Features.Packets.Reading;

namespace Gateway.Features.Lab.Watching;

/// <summary>
/// Makes rows of frames, in the order in which they passed, and recognises a packet across the points:
/// <list type="bullet">
/// <item>by its addresses, protocol, IP identification and echo numbers, which no hop changes;</item>
/// <item>in a datagram of a plain tunnel by reading it there;</item>
/// <item>in a WireGuard datagram by time and length: the packet of that sealed length which the same host gave to its tunnel device just before.
/// On the other side the datagram is known by receiver index and counter (message type 4).</item>
/// </list>
/// IPv6 is left out: the lab has none, and the kernel's announcements would cover the rest. One thread at a time.
/// </summary>
internal sealed class LabJourneys
{
    private const int EthernetBytes = 14, UdpBytes = 8, MostKept = 2000;
    private const int Icmp = 1, Tcp = 6, Udp = 17;
    private const int WireGuardHeaderBytes = 16, TagBytes = 16, PaddingBytes = 16;

    /// <summary>A packet that was not sealed within this time was dropped by the client.</summary>
    private static readonly TimeSpan SealedWithin = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, (int Instance, HashSet<string> Points)> _seen = [];
    private readonly Dictionary<(uint Index, ulong Counter), (string Journey, string Subject)> _sealed = [];
    private readonly List<Waiting> _waiting = [];

    /// <summary>The row of a frame; null where it is none of the lab's.</summary>
    public LabPacket? Read(long number, string host, LabCaptureLine line)
    {
        if (PointOf(host, line.Device) is not { } point) return null;
        var frame = line.Data;
        var type = line.IsEthernet ? frame.Length < EthernetBytes ? 0 : BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) : frame.Length > 0 && frame[0] >> 4 == 6 ? 0x86dd : 0x0800;
        if (type is not (0x0800 or 0x0806)) return null;
        var ip = line.IsEthernet ? frame[EthernetBytes..] : frame;
        var summary = PacketSummary.Of(frame, line.IsEthernet);
        var packet = new LabPacket
        {
            Number = number,
            At = new DateTimeOffset(line.At, TimeSpan.Zero),
            Point = point,
            Device = line.Device,
            IsOutgoing = line.IsOutgoing,
            Summary = summary,
            Subject = summary,
            Bytes = type == 0x0800 && ip.Length >= 20 && ip[0] >> 4 == 4 ? BinaryPrimitives.ReadUInt16BigEndian(ip.AsSpan(2)) : line.Bytes,
            Ttl = type == 0x0800 && ip.Length >= 20 && ip[0] >> 4 == 4 ? ip[8] : 0,
            Journey = "",
        };
        if (type == 0x0800 && TunnelPayload(ip) is { } tunnel)
            return ReadDatagram(packet, host, tunnel.Port, tunnel.Payload, tunnel.Bytes);
        var journey = Instance(type == 0x0806 ? summary : KeyOf(ip, summary), point);
        if (line.IsOutgoing && point is LabPoints.UTunnel or LabPoints.GatewayTunnel) Keep(new Waiting(host, SealedLength(packet.Bytes), packet.At, journey, summary));
        return packet with { Journey = journey };
    }

    private static string? PointOf(string host, string device) => (host, device) switch
    {
        (_, "lo") or (LabHosts.Gateway, "host") => null,
        (LabHosts.U, "eth0") => LabPoints.UOutside,
        (LabHosts.U, _) => LabPoints.UTunnel,
        (LabHosts.Gateway, "eth0") => LabPoints.GatewayOutside,
        (LabHosts.Gateway, "eth1") => LabPoints.GatewayInside,
        (LabHosts.Gateway, _) => LabPoints.GatewayTunnel,
        (LabHosts.V, "eth0") => LabPoints.V,
        _ => null,
    };

    /// <summary>What a tunnel's datagram between U and the gateway carries: as much of it as was captured, and how long it is.</summary>
    private static (int Port, byte[] Payload, int Bytes)? TunnelPayload(byte[] ip)
    {
        if (ip.Length < 20 || ip[0] >> 4 != 4 || ip[9] != Udp) return null;
        var header = (ip[0] & 0xF) * 4;
        if (ip.Length < header + UdpBytes) return null;
        var (source, destination) = (BinaryPrimitives.ReadUInt16BigEndian(ip.AsSpan(header)), BinaryPrimitives.ReadUInt16BigEndian(ip.AsSpan(header + 2)));
        var port = Port(source) ?? Port(destination);
        return port is { } known ? (known, ip[(header + UdpBytes)..], BinaryPrimitives.ReadUInt16BigEndian(ip.AsSpan(header + 4)) - UdpBytes) : null;

        static int? Port(ushort port) => port is LabAddresses.WireGuardPort or LabAddresses.PlainPort or LabAddresses.TapPort ? port : null;
    }

    private LabPacket? ReadDatagram(LabPacket packet, string host, int port, byte[] payload, int bytes)
    {
        packet = packet with { IsTunnel = true };
        if (port != LabAddresses.WireGuardPort)
        {
            var isFrame = port == LabAddresses.TapPort;
            var inside = PacketSummary.Of(payload, isFrame);
            if (inside.StartsWith("IP6 ", StringComparison.Ordinal)) return null;
            var ip = isFrame && payload.Length > EthernetBytes ? payload[EthernetBytes..] : payload;
            var key = inside.StartsWith("IP ", StringComparison.Ordinal) ? KeyOf(ip, inside) : inside;
            return packet with { Journey = Instance(key, packet.Point), Subject = inside };
        }

        if (payload.Length < WireGuardHeaderBytes || payload[0] != 4) return packet with { Subject = Handshake(payload, out var key), Journey = Instance(key, packet.Point) };
        var message = (BinaryPrimitives.ReadUInt32LittleEndian(payload.AsSpan(4)), BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(8)));
        if (!_sealed.TryGetValue(message, out var carried))
        {
            if (bytes == WireGuardHeaderBytes + TagBytes) carried = (Instance($"wg {message}", packet.Point), "WireGuard keepalive");
            else if (packet.IsOutgoing && Take(host, bytes, packet.At) is { } inner) carried = (inner.Journey, inner.Subject);
            else carried = (Instance($"wg {message}", packet.Point), "WireGuard data");
            if (_sealed.Count > MostKept) _sealed.Clear();
            _sealed[message] = carried;
        }

        return packet with { Journey = carried.Journey, Subject = carried.Subject, IsInferred = !carried.Subject.StartsWith("WireGuard", StringComparison.Ordinal) };
    }

    private static string Handshake(byte[] payload, out string key)
    {
        key = $"wg {Convert.ToHexStringLower(payload.AsSpan(0, Math.Min(payload.Length, 12)))}";
        return payload.Length == 0 ? "no bytes" : payload[0] switch
        {
            1 => "WireGuard handshake initiation",
            2 => "WireGuard handshake response",
            3 => "WireGuard cookie reply",
            _ => "no WireGuard message",
        };
    }

    /// <summary>What no hop changes.</summary>
    private static string KeyOf(byte[] ip, string summary)
    {
        if (ip.Length < 20 || ip[0] >> 4 != 4) return summary;
        var (source, destination) = (new IPAddress(ip.AsSpan(12, 4)), new IPAddress(ip.AsSpan(16, 4)));
        var header = (ip[0] & 0xF) * 4;
        var identification = BinaryPrimitives.ReadUInt16BigEndian(ip.AsSpan(4));
        // Of ICMP type, identifier and sequence; of TCP and UDP the ports.
        var more = ip[9] switch
        {
            Icmp when ip.Length >= header + 8 => Convert.ToHexStringLower(ip.AsSpan(header, 1)) + Convert.ToHexStringLower(ip.AsSpan(header + 4, 4)),
            Tcp or Udp when ip.Length >= header + 4 => Convert.ToHexStringLower(ip.AsSpan(header, 4)),
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{source}>{destination} {ip[9]} {identification:x4} {more}");
    }

    /// <summary>A packet that comes by the same point again is another one.</summary>
    private string Instance(string key, string point)
    {
        if (_seen.Count > MostKept) _seen.Clear();
        if (!_seen.TryGetValue(key, out var seen)) seen = _seen[key] = (1, []);
        if (!seen.Points.Add(point)) _seen[key] = seen = (seen.Instance + 1, [point]);
        return string.Create(CultureInfo.InvariantCulture, $"{key} #{seen.Instance}");
    }

    /// <summary>Length of the UDP payload that carries so many bytes: header, padding to 16, tag (WireGuard, §5.4.6).</summary>
    private static int SealedLength(int bytes) => WireGuardHeaderBytes + ((bytes + PaddingBytes - 1) / PaddingBytes * PaddingBytes) + TagBytes;

    private void Keep(Waiting waiting)
    {
        _waiting.Add(waiting);
        if (_waiting.Count > MostKept) _waiting.RemoveRange(0, MostKept / 2);
    }

    private Waiting? Take(string host, int bytes, DateTimeOffset at)
    {
        _waiting.RemoveAll(one => at - one.At > SealedWithin);
        if (_waiting.Find(one => one.Host == host && one.SealedBytes == bytes) is not { } found) return null;
        _waiting.Remove(found);
        return found;
    }

    private sealed record Waiting(string Host, int SealedBytes, DateTimeOffset At, string Journey, string Subject);
}
