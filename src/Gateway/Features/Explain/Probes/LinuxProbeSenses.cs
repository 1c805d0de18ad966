using Gateway.Contracts;
using Gateway.Engine.Ports;
using Gateway.Engine.Probes;
using Gateway.Features.Explain.Reasoning;
using Gateway.Linux.Netlink;
using Gateway.Linux.Nftables;
using Gateway.Linux.Settings;
using Gateway.Linux.Sockets;

namespace Gateway.Features.Explain.Probes;

/// <summary>nftables' trace, a capture on the device out, the kernel's counters, and its reasons for dropped packets.</summary>
internal sealed class LinuxProbeSenses : IProbeSenses
{
    public IProbeSight Open(ProbeKey key, KernelEvidence kernel) => new LinuxSight(key, kernel);

    private sealed class LinuxSight : IProbeSight
    {
        // Counters that a forwarded packet's end can show in.
        private static readonly string[] s_counters =
        [
            "TcpExt.IPReversePathFilter", "Ip.InAddrErrors", "Ip.OutNoRoutes", "IpExt.InNoRoutes", "Ip.InDiscards", "Ip.OutDiscards", "Ip.ForwDatagrams", "Ip.FragFails",
            "Ip6.InAddrErrors", "Ip6.InNoRoutes", "Ip6.OutNoRoutes", "Ip6.OutForwDatagrams", "Ip6.InTooBigErrors",
        ];

        private readonly ProbeKey _key;
        private readonly NftTrace? _trace;
        private readonly DropTrace? _drops;
        private readonly LinkCapture? _capture;
        private readonly string? _device;
        private readonly KernelCounters _before;
        private readonly List<HopEvidence> _missing = [];

        public LinuxSight(ProbeKey key, KernelEvidence kernel)
        {
            _key = key;
            _trace = NftTrace.Start([Matches(key.Source.ToString(), key.Destination.ToString(), key.SourcePort, key.DestinationPort), Matches(key.Destination.ToString(), null, key.DestinationPort, key.SourcePort)], out var problem);
            if (_trace is null) _missing.Add(Fact.Of("nft", $"Rules were not traced. {problem}"));
            _drops = DropTrace.Start(out problem);
            if (_drops is null) _missing.Add(Fact.Of("kfree_skb", $"The kernel's reasons were not read: {problem}"));
            if (kernel is { DestinationIsLocal: false, OutLink: { } link }) (_capture, _device) = (TryCapture(link), link.Name);
            _before = KernelCounters.Read();
        }

        public Sight Read()
        {
            var growth = KernelCounters.Read().GrowthSince(_before).Where(pair => s_counters.Contains(pair.Key)).ToDictionary(pair => pair.Key, pair => pair.Value);
            var reasons = _drops?.Read() ?? new Dictionary<string, int>();
            var packets = _capture?.Packets;
            bool? left = packets?.Any(packet => _key.IsProbe(packet)), cameBack = packets?.Any(packet => _key.IsReply(packet));
            var drop = _trace?.FindDrop();
            var lines = _trace?.Read() ?? [];
            var facts = new List<HopEvidence>(_missing);
            if (lines.Count > 0) facts.Add(Fact.Of("nftrace", string.Join("; ", lines), ("dropped", drop ?? "")));
            if (left is { } seen) facts.Add(Fact.Of("capture", $"{_device}: the packet {(seen ? "left" : "did not leave")}{(cameBack == true ? ", an answer came" : "")}", ("device", _device!), ("left", seen.ToString()), ("cameBack", (cameBack == true).ToString())));
            if (growth.Count > 0) facts.Add(Fact.Of("counters", $"grew meanwhile, of all traffic: {string.Join(", ", growth.Select(pair => $"{pair.Key} +{pair.Value}"))}", [.. growth.Select(pair => (pair.Key, Fact.Number(pair.Value)))]));
            if (reasons.Count > 0) facts.Add(Fact.Of("kfree_skb", $"freed meanwhile, of all traffic: {string.Join(", ", reasons.Select(pair => $"{pair.Key} ×{pair.Value}"))}", [.. reasons.Select(pair => (pair.Key, Fact.Number(pair.Value)))]));
            // The answer is traced from where it comes in, which is behind the last word on the request.
            var answerDropped = drop is not null && cameBack == true;
            return new Sight(drop, answerDropped, left, cameBack, growth, reasons, facts);
        }

        public void Dispose()
        {
            _capture?.Dispose();
            _trace?.Dispose();
            _drops?.Dispose();
        }

        private LinkCapture? TryCapture(KernelLink link)
        {
            try
            {
                return new LinkCapture(link.Index, packet => _key.IsProbe(packet) || _key.IsReply(packet));
            }
            catch (PortException e)
            {
                _missing.Add(Fact.Of("capture", $"{link.Name} was not looked at. {e.Message} {e.Remedy}"));
                return null;
            }
        }

        private string Matches(string source, string? destination, ushort sourcePort, ushort destinationPort)
        {
            var family = _key.Source.IsV4 ? "ip" : "ip6";
            var ends = $"{family} saddr {source} {(destination is null ? "" : $"{family} daddr {destination} ")}";
            return _key.Protocol switch
            {
                6 => $"{ends}tcp sport {sourcePort} tcp dport {destinationPort}",
                17 => $"{ends}udp sport {sourcePort} udp dport {destinationPort}",
                58 => $"{ends}icmpv6 id {_key.SourcePort}",
                _ => $"{ends}icmp id {_key.SourcePort}",
            };
        }
    }
}
