using System.Collections.Immutable;
using System.Net;
using Gateway.Linux.Netlink;
using Gateway.Linux.Nftables;
using Gateway.Linux.Settings;

namespace Gateway.Features.Explain.Gathering;

/// <summary>Asks the kernel that the process runs on. All of it takes some milliseconds, most of them nft's.</summary>
internal sealed class LinuxKernelEvidence : IKernelEvidence
{
    private const uint FirstOwnPriority = 0, MainPriority = 32766, DefaultPriority = 32767;

    public KernelEvidence Read(KernelQuestion question)
    {
        var packet = question.Packet;
        var links = KernelNetwork.ReadLinks();
        var interfaces = KernelSettings.ReadInterfaces();
        var tunnel = links.FirstOrDefault(link => link.Name == question.TunnelDevice);
        var rules = Ruleset.Read(out var rulesProblem);
        var toSource = KernelLookups.LookUpRoute(new RouteQuestion(packet.Source));

        // Rules of prerouting come before the route: they may mark the packet, or send it elsewhere.
        var entry = rules is null ? null : FirewallEvaluator.Evaluate(rules, "prerouting", new FirewallPacket
        {
            Source = packet.Source,
            Destination = packet.Destination,
            Protocol = packet.Protocol,
            DestinationPort = packet.Port,
            IcmpType = packet.IsV6 ? (byte)128 : (byte)8,
            InputDevice = question.TunnelDevice,
            SourceRouteDevice = links.FirstOrDefault(link => link.Index == toSource.Route?.LinkIndex)?.Name,
        });
        var addresses = KernelNetwork.ReadAddresses();
        var nat = entry?.Translations.FirstOrDefault(t => !t.ChangesSource);
        // A redirect goes to the address of the device that the packet came by.
        if (nat is { Kind: "redirect", Address: null })
            nat = nat with { Address = addresses.FirstOrDefault(a => a.LinkIndex == tunnel?.Index && a.Address.AddressFamily == packet.Destination.AddressFamily && !a.Address.IsIPv6LinkLocal)?.Address };
        var destination = nat?.Address ?? packet.Destination;
        var port = nat is { Port: > 0 } ? nat.Port : packet.Port;
        var mark = entry?.Mark ?? 0;

        var toDestination = KernelLookups.LookUpRoute(new RouteQuestion(destination) { FirewallMark = mark });
        var request = tunnel is null ? toDestination : KernelLookups.LookUpRoute(new RouteQuestion(destination)
        {
            Source = packet.Source,
            InputLinkIndex = tunnel.Index,
            FirewallMark = mark,
            Protocol = PortProtocol(packet),
            DestinationPort = port,
        });
        var way = request.Route ?? toDestination.Route;
        var outIndex = way is { Type: not RouteTypes.Local } ? way.LinkIndex : 0;
        var answer = way is null ? null : KernelLookups.LookUpRoute(new RouteQuestion(packet.Source)
        {
            Source = destination,
            InputLinkIndex = outIndex,
            Protocol = PortProtocol(packet),
            SourcePort = port,
        });
        var toEndpoint = question.Endpoint is null ? null : KernelLookups.LookUpRoute(new RouteQuestion(question.Endpoint.Address));
        return new KernelEvidence
        {
            Links = [.. links],
            Addresses = [.. addresses],
            TunnelLink = tunnel,
            RpFilters = interfaces.ToDictionary(i => i.Name, i => (int)i.RpFilterOwn, StringComparer.Ordinal),
            Forwards = ReadForwards(packet.IsV6, links),
            RoutedDestination = destination,
            DestinationNat = nat,
            Mark = mark,
            Request = request,
            ToDestination = toDestination,
            ToSource = toSource,
            Answer = answer,
            ToEndpoint = toEndpoint,
            Refusals = ReadRefusals(request, answer, toEndpoint, [destination, packet.Source, .. question.Endpoint is { } e ? [e.Address] : Array.Empty<IPAddress>()]),
            PolicyRules = [.. KernelLookups.ReadRules(packet.Destination.AddressFamily).Where(r => r.Priority is not (FirstOwnPriority or MainPriority or DefaultPriority))],
            NextHop = outIndex == 0 ? null : KernelLookups.FindNeighbour(way!.Gateway ?? destination, outIndex),
            EndpointNextHop = toEndpoint?.Route is { Type: not RouteTypes.Local } route ? KernelLookups.FindNeighbour(route.Gateway ?? question.Endpoint!.Address, route.LinkIndex) : null,
            Rules = rules,
            RulesProblem = rulesProblem,
            Counters = KernelCounters.Read(),
        };
    }

    // Policy rules know ports only of protocols that have them.
    private static byte PortProtocol(PacketQuestion packet) => packet.Port == 0 ? (byte)0 : packet.Protocol;

    private static Dictionary<string, bool> ReadForwards(bool isV6, IReadOnlyList<KernelLink> links)
    {
        var all = isV6 ? KernelSettings.ReadIpv6Forwarding() : KernelSettings.ReadIpv4Forwarding();
        var forwards = new Dictionary<string, bool>(StringComparer.Ordinal) { ["all"] = all };
        foreach (var link in links)
        {
            if (isV6) forwards[link.Name] = all || KernelSettings.ReadIpv6ForceForwarding(link.Name);
            else if (KernelSettings.ReadIpv4Forwarding(link.Name) is { } own) forwards[link.Name] = own;
        }

        return forwards;
    }

    // Which kind of route refused is in the error (fib_props, ip6_dst_*): others need not be read, and tables may be long. Without any route there is none to show.
    private static ImmutableArray<KernelRoute> ReadRefusals(RouteAnswer request, RouteAnswer? answer, RouteAnswer? toEndpoint, IPAddress[] addresses) =>
        [.. new[] { request.Error, answer?.Error ?? 0, toEndpoint?.Error ?? 0 }.Select(RefusingType).OfType<byte>().Distinct().SelectMany(KernelNetwork.ReadRoutesOfType)
            .Where(r => addresses.Any(a => a.AddressFamily == r.Prefix.BaseAddress.AddressFamily && r.Prefix.Contains(a))
                // The kernel's own last entry of IPv6 says "unreachable" for everything.
                && !(r.Prefix.PrefixLength == 0 && r.Metric == uint.MaxValue))
            .OrderByDescending(r => r.Prefix.PrefixLength)];

    private static byte? RefusingType(int error) => error switch
    {
        22 /* EINVAL */ => RouteTypes.Blackhole,
        113 /* EHOSTUNREACH */ => RouteTypes.Unreachable,
        13 /* EACCES */ => RouteTypes.Prohibit,
        _ => null,
    };
}
