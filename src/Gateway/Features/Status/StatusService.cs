using System.Net.Sockets;
using System.Reflection;
using Gateway.Contracts;
using Gateway.Engine;
using Gateway.Features.Explain.Reasoning;
using Gateway.Features.Tunnels;
using Gateway.Hosting;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Status;

/// <summary>The whole at a glance.</summary>
internal sealed class StatusService(Caller caller, TunnelService tunnels, Reconciler reconciler, KernelKeeper kernel, TableKeeper tables, DataPlane dataPlane, FirstStart firstStart, ReversePathWarnings reversePath)
{
    /// <summary>"0.1.0": what the assembly was built as, without the commit.</summary>
    public static string Version { get; } =
        typeof(StatusService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public RevisionStatus GetRevision() => reconciler.GetRevision(dataPlane.GetTunnels(), Problems());

    public async Task<Outcome<StatusResponse>> GetAsync(CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        var all = await tunnels.ListAllAsync(cancellationToken);
        return new StatusResponse
        {
            Version = Version,
            StartedAt = firstStart.StartedAt,
            Revision = GetRevision(),
            Tunnels = all,
            Warnings = [.. Warnings(all), .. await reversePath.FindAsync(cancellationToken)],
        };
    }

    private IReadOnlyCollection<KernelProblem> Problems() => tables.Problem is { } problem ? [.. kernel.Problems.Values, problem] : [.. kernel.Problems.Values];

    // Forwarding decides what the whole host does with packets, so it is never switched on silently.
    private IEnumerable<Warning> Warnings(IReadOnlyList<TunnelResponse> all)
    {
        var routed = all.Where(t => t.Layer == Layers.Ip).SelectMany(t => t.Addresses).ToList();
        if (routed.Any(a => !a.Contains(':', StringComparison.Ordinal)) && !kernel.IsForwarding(AddressFamily.InterNetwork))
            yield return NotForwarded("IPv4", "ipv4Forwarding", "sysctl -w net.ipv4.ip_forward=1");
        if (routed.Any(a => a.Contains(':', StringComparison.Ordinal)) && !kernel.IsForwarding(AddressFamily.InterNetworkV6))
            yield return NotForwarded("IPv6", "ipv6Forwarding", "sysctl -w net.ipv6.conf.all.forwarding=1");
        foreach (var tunnel in all.Where(t => t.Warning is not null)) yield return new Warning($"Tunnel {tunnel.Name}: {tunnel.Warning}", "Use transport wireguard for anything but a lab.");
        foreach (var problem in Problems()) yield return new Warning($"{problem.What}: {problem.Cause}", problem.Remedy);
    }

    private static Warning NotForwarded(string family, string member, string command) =>
        new($"The kernel does not forward {family}: peers reach the gateway, but nothing behind it.", command)
        {
            Remedies = [RemedyOf.Patch($"Switch {family} forwarding on for the whole host.", "host", member, true, null),
                RemedyOf.Instruction(RemedyMachines.Gateway, "Or by hand; to keep it over a restart, write it to a file in /etc/sysctl.d.", command)],
        };
}
