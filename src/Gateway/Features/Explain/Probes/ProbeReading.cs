using System.Net;
using Gateway.Contracts;
using Gateway.Engine.Probes;
using PacketDotNet;

namespace Gateway.Features.Explain.Probes;

/// <summary>Reads what came back for a probe.</summary>
internal static class ProbeReading
{
    /// <summary>What an answer says.</summary>
    /// <param name="Outcome">See <see cref="ProbeOutcomes"/>.</param>
    /// <param name="Words">In words.</param>
    /// <param name="From">Who says it.</param>
    internal sealed record Answer(string Outcome, string Words, IPAddress From);

    public static Answer Read(byte[] packet, ProbeKey key)
    {
        // It matched the probe's key, so it is one of these; its addresses, protocol and ports were checked.
        if (Packet.ParsePacket(LinkLayers.Raw, packet).PayloadPacket is not IPPacket ip) return new Answer(ProbeOutcomes.Answered, "an answer", key.Destination.ToIPAddress());
        return ip.PayloadPacket switch
        {
            TcpPacket { Reset: true } => new Answer(ProbeOutcomes.Refused, $"a reset: nobody listens on TCP {key.DestinationPort}, or a firewall refuses it", ip.SourceAddress),
            TcpPacket => new Answer(ProbeOutcomes.Answered, $"SYN and ACK: TCP {key.DestinationPort} is open", ip.SourceAddress),
            IcmpV4Packet icmp when icmp.TypeCode is not IcmpV4TypeCode.EchoReply => new Answer(ProbeOutcomes.Refused, $"the ICMP message '{Words(icmp.TypeCode.ToString())}'", ip.SourceAddress),
            IcmpV6Packet icmp when icmp.Type is not IcmpV6Type.EchoReply => new Answer(ProbeOutcomes.Refused, $"the ICMPv6 message '{Words(icmp.Type.ToString())}' (code {icmp.Code})", ip.SourceAddress),
            IcmpV4Packet or IcmpV6Packet => new Answer(ProbeOutcomes.Answered, "an echo reply", ip.SourceAddress),
            _ => new Answer(ProbeOutcomes.Answered, "a UDP packet", ip.SourceAddress),
        };
    }

    // "DestinationHostUnreachable" → "destination host unreachable".
    private static string Words(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) ? $"{(i == 0 ? "" : " ")}{char.ToLowerInvariant(c)}" : c.ToString()));
}
