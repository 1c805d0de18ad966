using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab;

/// <summary>Something that is not as <c>make lab</c> left it.</summary>
/// <param name="Break">Which of <see cref="LabBreaks"/> it belongs to; null = none.</param>
/// <param name="Words">What it is.</param>
/// <param name="Host">Where it is put back.</param>
/// <param name="Command">The same by hand.</param>
/// <param name="PutBackAsync">Puts it back; a sentence where it could not.</param>
internal sealed record LabDifference(string? Break, string Words, string Host, string Command, Func<CancellationToken, Task<string?>> PutBackAsync);

/// <summary>
/// Looks at the hosts and the gateway as they are: what is broken is known from that and not from memory, so it can be healed after a restart too, and
/// after somebody broke it by hand.
/// </summary>
internal sealed class LabDifferences(ILabHosts hosts, LabSetUp setUp)
{
    private const string UDevice = "host-u";

    /// <summary>The three hosts.</summary>
    public async Task<IReadOnlyList<LabHost>> ReadHostsAsync(CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(LabHosts.All.Select(host => hosts.AskAsync(host, new LabHelperRequest { Action = LabActions.State }, cancellationToken)));
        return [.. LabHosts.All.Zip(answers, (host, answer) => new LabHost(host, answer.State, answer.Problem))];
    }

    /// <summary>What differs, in the order in which it is put back: the client on U last, which needs the rest.</summary>
    public async Task<IReadOnlyList<LabDifference>> FindAsync(IReadOnlyList<LabHost> found, CancellationToken cancellationToken)
    {
        var (u, gateway, v) = (found[0].State, found[1].State, found[2].State);
        var differences = new List<LabDifference>();
        if (v?.Routes.Any(route => route.StartsWith($"{LabAddresses.Internal} ", StringComparison.Ordinal)) == true)
            differences.Add(Of(null, $"V has a route to {LabAddresses.Internal} of its own.", LabHosts.V, $"ip route del {LabAddresses.Internal} via {LabAddresses.GatewayInside}", LabActions.DeleteRoute, LabAddresses.Internal));
        if (v is not null && !v.Routes.Any(route => route.StartsWith($"default via {LabAddresses.GatewayInside}", StringComparison.Ordinal)))
            differences.Add(Of(LabBreaks.NoWayBack, "V has no default route by the gateway.", LabHosts.V, $"ip route replace default via {LabAddresses.GatewayInside}", LabActions.AddRoute));
        if (gateway?.Routes.Any(route => route.StartsWith($"default via {LabAddresses.NoRouter}", StringComparison.Ordinal)) == true)
            differences.Add(Of(LabBreaks.MovedAddress, "The gateway has a default route.", LabHosts.Gateway, $"ip route del default via {LabAddresses.NoRouter}", LabActions.DeleteRoute));
        if (setUp.RpFilterDevices is { Count: > 0 } devices)
            differences.Add(new(LabBreaks.MovedAddress, $"rp_filter of {string.Join(" and ", devices)} was set for the lab.", LabHosts.Gateway, string.Join("; ", devices.Select(device => $"gateway interface set {device} --clear rpFilter")), setUp.PutBackRpFiltersAsync));
        if (await setUp.FindMovedRouteAsync(cancellationToken) is not null)
            differences.Add(new(LabBreaks.MovedAddress, $"Peer {LabSetUp.Peer} has the route {LabAddresses.MovedNetwork}.", LabHosts.Gateway, $"gateway route delete {LabSetUp.Peer} {LabAddresses.MovedNetwork}", setUp.DeleteMovedRouteAsync));
        foreach (var tunnel in await setUp.FindTunnelsAsync(cancellationToken))
            differences.Add(new(tunnel == LabSetUp.TapTunnel ? LabBreaks.Tap : null, $"There is the tunnel {tunnel}.", LabHosts.Gateway, $"gateway tunnel delete {tunnel}", stop => setUp.DeleteTunnelAsync(tunnel, stop)));
        if (u is not null && OfClient(u) is { } client) differences.Add(client);
        return differences;
    }

    private LabDifference? OfClient(LabHostState u)
    {
        var addresses = u.Devices.FirstOrDefault(device => device.Name == UDevice)?.Addresses ?? [];
        return u.Client switch
        {
            null => Client(LabBreaks.ClientStopped, "No client runs on U."),
            LabClients.Tap => Client(LabBreaks.Tap, "U's client carries Ethernet frames."),
            not LabClients.WireGuard => Client(null, $"U's client is the one of kind '{u.Client}'."),
            _ when !addresses.Any(address => address.StartsWith($"{LabAddresses.WireGuardU}/", StringComparison.Ordinal)) => Client(LabBreaks.MovedAddress, $"U's tunnel address is {(addresses.Count > 0 ? string.Join(", ", addresses) : "none")}."),
            _ when !u.Routes.Any(route => route.StartsWith($"{LabAddresses.Intranet} dev {UDevice}", StringComparison.Ordinal)) => Client(null, "U has no route to the intranet."),
            _ => null,
        };

        LabDifference Client(string? broken, string words) => Of(broken, words, LabHosts.U, "gateway connect host-u.conf", LabActions.StartClient, LabClients.WireGuard);
    }

    private LabDifference Of(string? broken, string words, string host, string command, string action, string? value = null) => new(
        broken, words, host, command, async cancellationToken => (await hosts.AskAsync(host, new LabHelperRequest { Action = action, Value = value }, cancellationToken)).Problem);
}
