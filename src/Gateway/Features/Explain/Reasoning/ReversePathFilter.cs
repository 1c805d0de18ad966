using System.Net;
using Gateway.Contracts;
using Gateway.Linux.Netlink;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>
/// rp_filter's own rule (kernel fib_validate_source): strict wants the route to the source to lead out of the device that the packet came in on, loose
/// wants any. The kernel's look-up answers a refused source with EINVAL (older kernels: EXDEV), and other martian sources likewise, so the rule
/// is applied before the filter is named.
/// </summary>
internal sealed class ReversePathFilter
{
    private const int Invalid = 22, CrossDevice = 18; // EINVAL, EXDEV

    private readonly KernelLink _link;
    private readonly KernelLink? _back;
    private readonly RouteAnswer _toSource;

    private ReversePathFilter(KernelLink link, KernelLink? back, RouteAnswer toSource, int mode) => (_link, _back, _toSource, Mode) = (link, back, toSource, mode);

    /// <summary>0 off, 1 strict, 2 loose: the larger of the device's own and that of "all".</summary>
    public int Mode { get; }

    public bool Passes { get; private init; }

    /// <summary>Refused as a source that no packet from a network may have: an address of this host, say.</summary>
    public bool IsMartian { get; private init; }

    public HopEvidence[] Evidence { get; private init; } = [];

    public static ReversePathFilter Judge(KernelEvidence kernel, KernelLink link, RouteAnswer toSource, RouteAnswer lookup)
    {
        var (own, all) = (kernel.RpFilters.GetValueOrDefault(link.Name), kernel.RpFilters.GetValueOrDefault("all"));
        var mode = Math.Max(own, all);
        var back = toSource.Route is { Type: not RouteTypes.Local } ? kernel.Link(toSource.Route) : null;
        var byRule = mode switch { 1 => back?.Index == link.Index, 2 => back is not null, _ => true };
        var refused = lookup.Error is Invalid or CrossDevice;
        // The kernel's word counts. Where it gave another error it did not come so far, and the rule has to do.
        var passes = lookup.Error == 0 || (byRule && !refused);
        var isMartian = refused && byRule && kernel.Refusals.IsEmpty;
        return new ReversePathFilter(link, back, toSource, mode)
        {
            Passes = passes || (refused && byRule && !isMartian),
            IsMartian = isMartian,
            Evidence =
            [
                Fact.Of("/proc/sys", $"rp_filter of {link.Name} {own}, of all {all}: {Word(mode)} applies", ("own", Fact.Number(own)), ("all", Fact.Number(all)), ("effective", Word(mode))),
                KernelSteps.Asked(kernel, toSource, "to the source"),
                Fact.Of("RTM_GETROUTE", lookup.Error == 0 ? "the packet's own look-up was not refused" : $"the packet's own look-up: {lookup.Words}", ("errno", Fact.Number(lookup.Error))),
            ],
        };
    }

    public string Reason(IPAddress source)
    {
        if (IsMartian) return $"The kernel refuses {source} as a source on {_link.Name}, and not because of rp_filter: it is an address of this host, or one that no packet may come from.";
        var route = _back is null ? $"there is no route to {source}" : $"the route to {source} leads out of {_back.Name} ({KernelSteps.EntryWords(_toSource)})";
        return Mode switch
        {
            0 => $"rp_filter is off on {_link.Name}: the source is not checked.",
            _ when Passes => $"rp_filter is {Word(Mode)}, and {route}.",
            1 => $"rp_filter is strict on {_link.Name}, and {route}{(_back is null ? "" : $", not of {_link.Name}")}: the kernel drops the packet as it comes in.",
            _ => $"rp_filter is loose on {_link.Name}, which asks for any route to the source, and {route}: the kernel drops the packet as it comes in.",
        };
    }

    public static string Word(int mode) => mode switch { 1 => "strict", 2 => "loose", _ => "off" };
}
