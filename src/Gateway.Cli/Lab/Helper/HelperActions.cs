using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.Contracts.Lab;

namespace Gateway.Cli.Lab.Helper;

/// <summary>What the helper of one host does. One action at a time.</summary>
internal sealed partial class HelperActions(string host, string runDirectory) : IDisposable
{
    private const int MaxPings = 25;
    private static readonly string[] s_destinations =
    [
        LabAddresses.V, LabAddresses.IntranetItself, LabAddresses.GatewayOutside, LabAddresses.GatewayInside, LabAddresses.WireGuardGateway, LabAddresses.WireGuardU, LabAddresses.PlainGateway, LabAddresses.TapGateway, LabAddresses.TapNobody,
    ];

    private static readonly string[] s_addresses = [LabAddresses.WireGuardU, LabAddresses.MovedU];

    private readonly SemaphoreSlim _one = new(1);
    private readonly TunnelClient _client = new(runDirectory);
    private readonly LineService _service = new();
    private readonly LineSession _session = new();

    public async Task<LabHelperAnswer> DoAsync(LabHelperRequest request, CancellationToken stop)
    {
        await _one.WaitAsync(stop);
        try
        {
            return (host, request.Action) switch
            {
                (_, LabActions.State) => new LabHelperAnswer { State = await StateAsync(stop) },
                (_, LabActions.Ping) => await PingAsync(request, stop),
                (LabHosts.U, LabActions.StartClient) => await _client.StartAsync(request.Value, stop),
                (LabHosts.U, LabActions.StopClient) => await _client.StopAsync(stop),
                (LabHosts.U, LabActions.SetAddress) => await SetAddressAsync(request.Value, stop),
                (LabHosts.U, LabActions.LinkUp) => await IpAsync($"link set {TunnelClient.DeviceOf(_client.Running)} up", stop),
                (_, LabActions.AddRoute or LabActions.DeleteRoute) => await RouteAsync(request, stop),
                (LabHosts.V, LabActions.StartService) => _service.Start(),
                (LabHosts.V, LabActions.StopService) => await _service.StopAsync(),
                (LabHosts.U, LabActions.OpenSession) => await _session.OpenAsync(stop),
                (LabHosts.U, LabActions.TypeSession) => await _session.TypeAsync(request.Value, stop),
                (LabHosts.U, LabActions.ReadSession) => _session.Read(),
                (LabHosts.U, LabActions.CloseSession) => await _session.CloseAsync(),
                _ => new LabHelperAnswer { Problem = $"'{request.Action}' is nothing that the helper on {host} does." },
            };
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _service.Dispose();
        _session.Dispose();
        _one.Dispose();
    }

    private async Task<LabHostState> StateAsync(CancellationToken stop)
    {
        var links = JsonNode.Parse((await Tool.RunAsync("ip", "-j addr show", stop)).Output)!.AsArray();
        var devices = links.Where(link => link!["ifname"] is not null && link["ifname"]!.GetValue<string>() != "lo").Select(link => new LabDevice(
            link!["ifname"]!.GetValue<string>(),
            [.. link["flags"]!.AsArray().Select(flag => flag!.GetValue<string>())],
            [.. link["addr_info"]!.AsArray().Where(a => a!["family"]?.GetValue<string>() == "inet").Select(a => $"{a!["local"]}/{a["prefixlen"]}")]));
        var routes = (await Tool.RunAsync("ip", "route show", stop)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new LabHostState(host == LabHosts.U ? _client.Running : null, [.. devices], routes);
    }

    private static async Task<LabHelperAnswer> PingAsync(LabHelperRequest request, CancellationToken stop)
    {
        if (!s_destinations.Contains(request.Destination)) return new LabHelperAnswer { Problem = $"'{request.Destination}' is no destination of the lab." };
        if (request.Count is < 1 or > MaxPings || request.Id is < 1 or > ushort.MaxValue) return new LabHelperAnswer { Problem = $"1 to {MaxPings} pings with an identifier from 1 to 65535." };
        var broadcast = request.Destination == LabAddresses.IntranetItself ? "-b " : "";
        var arguments = string.Create(CultureInfo.InvariantCulture, $"-n {broadcast}-c {request.Count} -i 0.1 -W 0.5 -e {request.Id} {request.Destination}");
        var ping = await Tool.RunAsync("ping", arguments, stop);
        var (summary, ttl) = (Summary().Match(ping.Output), Ttl().Match(ping.Output));
        return new LabHelperAnswer
        {
            Command = $"ping {arguments}",
            Text = (ping.Output + ping.Error).Trim(),
            Received = summary.Success ? int.Parse(summary.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0,
            Ttl = ttl.Success ? int.Parse(ttl.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0,
        };
    }

    /// <summary>The new one first: a device that loses its last address loses its routes too.</summary>
    private async Task<LabHelperAnswer> SetAddressAsync(string? address, CancellationToken stop)
    {
        if (!s_addresses.Contains(address)) return new LabHelperAnswer { Problem = $"'{address}' is no address that U can have." };
        if (TunnelClient.DeviceOf(_client.Running) is not { } device) return new LabHelperAnswer { Problem = "No client runs on U, so it has no tunnel device." };
        var had = (await StateAsync(stop)).Devices.Where(d => d.Name == device).SelectMany(d => d.Addresses).Where(a => a.Split('/')[0] != address).ToList();
        var added = await IpAsync($"addr replace {address}/24 dev {device}", stop);
        if (added.Problem is not null) return added;
        foreach (var old in had) await IpAsync($"addr del {old} dev {device}", stop);
        return added with { Command = string.Join("; ", [added.Command, .. had.Select(old => $"ip addr del {old} dev {device}")]) };
    }

    private Task<LabHelperAnswer> RouteAsync(LabHelperRequest request, CancellationToken stop)
    {
        var route = host switch
        {
            LabHosts.U => TunnelClient.DeviceOf(_client.Running) is { } device ? $"{LabAddresses.Intranet} dev {device}" : null,
            LabHosts.V => $"{(request.Value == LabAddresses.Internal ? LabAddresses.Internal : "default")} via {LabAddresses.GatewayInside}",
            _ => $"default via {LabAddresses.NoRouter}",
        };
        if (route is null) return Task.FromResult(new LabHelperAnswer { Problem = "No client runs on U, so it has no tunnel device." });
        return IpAsync($"route {(request.Action == LabActions.AddRoute ? "replace" : "del")} {route}", stop);
    }

    private static async Task<LabHelperAnswer> IpAsync(string arguments, CancellationToken stop)
    {
        var result = await Tool.RunAsync("ip", arguments, stop);
        return new LabHelperAnswer { Command = $"ip {arguments}", Problem = result.Complaint };
    }

    [GeneratedRegex(@"(\d+) received")]
    private static partial Regex Summary();

    [GeneratedRegex(@"ttl=(\d+)")]
    private static partial Regex Ttl();
}
