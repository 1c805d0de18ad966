using System.Net;
using System.Net.Sockets;
using Gateway.Cli.Output;
using Gateway.Contracts;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux;
using Gateway.Linux.Netlink;
using Gateway.Protocol;
using Microsoft.Extensions.Logging;

namespace Gateway.Cli.Connect;

/// <summary>Runs one tunnel in the foreground: resolve, open, say what is there, watch the peers, and take all back at the end.</summary>
internal sealed partial class ConnectRunner : IDisposable
{
    private readonly ConnectPlan _plan;
    private readonly ILogger _log;
    private readonly DataPlane _plane;
    private readonly Dictionary<Guid, PeerWatch> _watches;
    private readonly HashSet<Guid> _established = [];
    private readonly EndpointRoutes _endpointRoutes = new();
    private readonly SemaphoreSlim _routing = new(1);
    private readonly NameServers _nameServers = new();
    private DnsWish _dns = DnsWish.None;
    private TunnelConfig _config;

    private ConnectRunner(ConnectPlan plan, ILoggerFactory logs)
    {
        (_plan, _config) = (plan, plan.Config);
        _log = logs.CreateLogger("connect");
        _plane = new DataPlane(new DataPlaneOptions(), new LinuxTunnelPorts(logs), new LibcryptoPrimitives(), TimeProvider.System, logs.CreateLogger<DataPlane>());
        _watches = plan.Config.Peers.ToDictionary(p => p.Id, _ => new PeerWatch());
    }

    /// <summary>Runs until a signal comes. Answers the exit code.</summary>
    public static async Task<int> RunAsync(ConnectPlan plan, bool verbose)
    {
        using var signals = new StopSignals();
        // What the engine reports comes as events and status, and is said once, here.
        using var logs = Logs.Create(verbose ? LogLevel.Debug : LogLevel.Information, verbose ? LogLevel.Debug : LogLevel.Error);
        using var runner = new ConnectRunner(plan, logs);
        foreach (var notice in plan.Notices) LogNotice(runner._log, notice);
        await runner.OpenAsync();
        using var stop = new CancellationTokenSource();
        var watching = runner.WatchAsync(stop.Token);
        var events = runner.TellEventsAsync(stop.Token);
        var following = runner.FollowAsync(stop.Token);
        await signals.Stopped;
        await stop.CancelAsync();
        await Task.WhenAll(watching, events, following);
        await runner._nameServers.RevertAsync();
        LogStopped(runner._log);
        return ExitCodes.Ok;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _plane.Dispose();
        _endpointRoutes.Dispose();
        _routing.Dispose();
    }

    private async Task OpenAsync()
    {
        var endpoints = new Dictionary<Guid, IPEndPoint>();
        foreach (var wanted in _plan.Endpoints)
        {
            endpoints[wanted.PeerId] = await ResolveAsync(wanted.Endpoint)
                ?? throw new CommandException($"{wanted.Endpoint.Host} has no address: check the name and this host's name servers.", ExitCodes.Failed);
        }

        _config = ConnectPlan.WithEndpoints(_config, endpoints);
        if (await KeepEndpointsOutsideAsync(endpoints.Values, tunnel: null) is { Count: > 0 } unreachable) throw Refused(unreachable);
        await _plane.ApplyAsync([_config]);
        var status = _plane.GetTunnels()[0];
        if (status.State != TunnelState.Up) throw new CommandException($"{status.Cause} {status.Remedy}".Trim(), ExitCodes.Failed);
        if (!status.LinkProblems.IsEmpty) throw Refused(status.LinkProblems);
        Tell(status);
        await SetDnsAsync(status.Name, _plan.Dns);
    }

    private static CommandException Refused(IReadOnlyList<LinkProblem> problems) =>
        new(string.Join("\ngateway: ", problems.Select(p => $"{p.What}: {p.Cause}. {p.Remedy}")), ExitCodes.Failed);

    /// <summary>Endpoints that a route into the tunnel would catch keep their way outside it.</summary>
    private async Task<IReadOnlyList<LinkProblem>> KeepEndpointsOutsideAsync(IEnumerable<IPEndPoint?> endpoints, string? tunnel)
    {
        var caught = endpoints.OfType<IPEndPoint>().Select(e => e.Address).Distinct().Where(a => _config.KernelRoutes.Any(r => r.Contains(a))).ToList();
        await _routing.WaitAsync();
        try
        {
            return _endpointRoutes.Set(caught, tunnel);
        }
        catch (PortException e)
        {
            return [new LinkProblem("host routes to the endpoints", e.Message, e.Remedy)];
        }
        finally
        {
            _routing.Release();
        }
    }

    private async Task FollowEndpointsAsync()
    {
        if (_plane.GetTunnels().FirstOrDefault() is not { } status) return;
        foreach (var problem in await KeepEndpointsOutsideAsync(_plane.GetPeers(_config.Id).Select(p => p.Endpoint), status.Name)) LogRoute(_log, problem.What, problem.Cause);
    }

    private void Tell(TunnelStatus status)
    {
        var output = Console.Out;
        output.WriteLine($"device    {status.Name} ({(_config.Layer == TunnelLayer.Ethernet ? "TAP" : "TUN")}, MTU {status.Mtu}), {(_config.Transport == TunnelTransport.Plain ? "plain" : "WireGuard")} on UDP port {status.ListenPort}");
        if (!_config.Addresses.IsEmpty) output.WriteLine($"address   {string.Join(", ", _config.Addresses)}");
        foreach (var peer in _config.Peers)
            output.WriteLine($"peer      {(peer.PublicKey is { } key ? key + " " : "")}{(peer.Endpoint is { } endpoint ? $"at {endpoint}" : "without an endpoint: waits for it to call")}");
        if (!_config.KernelRoutes.IsEmpty) output.WriteLine($"routes    {string.Join(", ", _config.KernelRoutes.Take(20))}{(_config.KernelRoutes.Length > 20 ? $" and {_config.KernelRoutes.Length - 20} more" : "")}");
        output.WriteLine("Ctrl+C ends it.");
        output.Flush();
    }

    private async Task TellEventsAsync(CancellationToken stop)
    {
        try
        {
            await foreach (var happened in _plane.Events.ReadAllAsync(stop))
            {
                var peer = _config.Peers.FirstOrDefault(p => p.Id == happened.PeerId)?.Name ?? "a peer";
                switch (happened.Kind)
                {
                    case DataPlaneEventKind.SessionEstablished when happened.PeerId is { } id && _established.Add(id):
                        LogEstablished(_log, peer);
                        break;
                    case DataPlaneEventKind.SessionEstablished:
                        LogRenewed(_log, peer);
                        break;
                    case DataPlaneEventKind.EndpointMoved:
                        LogMoved(_log, peer, happened.Text ?? "elsewhere");
                        await FollowEndpointsAsync();
                        break;
                    case DataPlaneEventKind.TunnelFailed:
                        LogFailed(_log, happened.Text ?? "no cause known");
                        break;
                    case DataPlaneEventKind.TunnelUp:
                        LogUp(_log);
                        break;
                    default:
                        break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task WatchAsync(CancellationToken stop)
    {
        try
        {
            using var timer = new PeriodicTimer(PeerWatch.Interval);
            while (await timer.WaitForNextTickAsync(stop))
            {
                foreach (var peer in _plane.GetPeers(_config.Id)) await LookAsync(peer, stop);
                await FollowEndpointsAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task LookAsync(PeerStatus status, CancellationToken stop)
    {
        var peer = _config.Peers.First(p => p.Id == status.Id);
        var news = _watches[status.Id].Look(status);
        if (news == PeerNews.Back) LogBack(_log, peer.Name);
        if (news == PeerNews.Silent) LogSilent(_log, peer.Name, _config.Transport == TunnelTransport.Plain
            ? "is its program running, does it know this tunnel address, and does a firewall let UDP through?"
            : "are its address and port right, does it know this end's public key, and does a firewall let UDP through?");
        if (news is PeerNews.Silent or PeerNews.StillSilent && _plan.Endpoints.FirstOrDefault(e => e.PeerId == peer.Id) is { } wanted)
        {
            // A peer that has roamed may have gone silent where it went: the written address is then the best that is known. A name may have several.
            if (await ResolveAsync(wanted.Endpoint, status.Endpoint, stop) is not { } now || now.Equals(status.Endpoint)) return;
            LogResolved(_log, peer.Name, now);
            await TryEndpointAsync(peer.Id, now);
        }
    }

    private async Task SetDnsAsync(string device, DnsWish wish)
    {
        if (wish.Equals(_dns)) return;
        _dns = wish;
        if (await _nameServers.SetAsync(device, wish, all: _config.Peers.Any(p => p.AllowedIps.Any(a => a.PrefixLength == 0))) is { } notice) LogNotice(_log, notice);
    }

    /// <summary>Does as the gateway says, for as long as it is connected: routes, MTU, name servers.</summary>
    private async Task FollowAsync(CancellationToken stop)
    {
        if (_plan.Follow is not { } url) return;
        using var follower = new ConfigFollower(url);
        try
        {
            await foreach (var wanted in follower.FollowAsync(stop)) await TakeAsync(wanted);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task TakeAsync(SelfConfigResponse wanted)
    {
        var (old, next) = (_config, _plan.Following(_config, wanted));
        var device = _plane.GetTunnels()[0].Name;
        var news = Differences(old, next).ToList();
        if (news.Count > 0)
        {
            // The way to the gateway itself must not go into the tunnel, or the change would be the last.
            _config = next;
            if (await KeepEndpointsOutsideAsync(next.Peers.Select(p => p.Endpoint).Concat(_plane.GetPeers(next.Id).Select(p => p.Endpoint)), device) is { Count: > 0 } problems)
            {
                _config = old;
                foreach (var problem in problems) LogRoute(_log, problem.What, problem.Cause);
                return;
            }

            await _plane.ApplyAsync([next]);
            foreach (var problem in _plane.GetTunnels()[0].LinkProblems) LogRoute(_log, problem.What, problem.Cause);
            Say(string.Join(", ", news));
        }

        var dns = new DnsWish(wanted.DnsServers, wanted.SearchDomains);
        if (dns.Equals(_dns)) return;
        Say(dns.IsEmpty ? "no name servers any more" : $"DNS {dns}");
        await SetDnsAsync(device, dns);
    }

    private void Say(string news) => LogFollowed(_log, news);

    private static IEnumerable<string> Differences(TunnelConfig old, TunnelConfig next)
    {
        foreach (var added in next.KernelRoutes.Except(old.KernelRoutes)) yield return $"route {added} added";
        foreach (var gone in old.KernelRoutes.Except(next.KernelRoutes)) yield return $"route {gone} removed";
        if (next.Mtu != old.Mtu) yield return $"MTU {next.Mtu}";
        if (!next.Peers[0].AllowedIps.ToHashSet().SetEquals(old.Peers[0].AllowedIps) && next.KernelRoutes.ToHashSet().SetEquals(old.KernelRoutes)) yield return "allowed IPs";
    }

    private async Task TryEndpointAsync(Guid peer, IPEndPoint endpoint)
    {
        var others = _plane.GetPeers(_config.Id).Select(p => p.Endpoint).Append(endpoint);
        foreach (var problem in await KeepEndpointsOutsideAsync(others, _plane.GetTunnels()[0].Name)) LogRoute(_log, problem.What, problem.Cause);
        _plane.MoveEndpoint(_config.Id, peer, endpoint);
    }

    /// <summary>The address after the one that was tried last, IPv6 and IPv4 as the resolver orders them; null where there is none.</summary>
    private static async Task<IPEndPoint?> ResolveAsync(WgQuickEndpoint endpoint, IPEndPoint? tried = null, CancellationToken stop = default)
    {
        if (endpoint.Numeric is { } numeric) return numeric;
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(endpoint.Host, stop);
            return addresses.Length > 0 ? new IPEndPoint(addresses[(Array.IndexOf(addresses, tried?.Address) + 1) % addresses.Length], endpoint.Port) : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    [LoggerMessage(EventId = 6101, Level = LogLevel.Warning, Message = "{Notice}")]
    private static partial void LogNotice(ILogger logger, string notice);

    [LoggerMessage(EventId = 6102, Level = LogLevel.Information, Message = "Handshake with {Peer} completed: packets pass.")]
    private static partial void LogEstablished(ILogger logger, string peer);

    [LoggerMessage(EventId = 6103, Level = LogLevel.Debug, Message = "Handshake with {Peer} renewed.")]
    private static partial void LogRenewed(ILogger logger, string peer);

    [LoggerMessage(EventId = 6104, Level = LogLevel.Information, Message = "{Peer} now sends from {Endpoint}.")]
    private static partial void LogMoved(ILogger logger, string peer, string endpoint);

    [LoggerMessage(EventId = 6105, Level = LogLevel.Error, Message = "The tunnel stopped and will be tried again: {Cause}")]
    private static partial void LogFailed(ILogger logger, string cause);

    [LoggerMessage(EventId = 6106, Level = LogLevel.Debug, Message = "The tunnel is open.")]
    private static partial void LogUp(ILogger logger);

    [LoggerMessage(EventId = 6107, Level = LogLevel.Warning, Message = "{Peer} does not answer: {Question}")]
    private static partial void LogSilent(ILogger logger, string peer, string question);

    [LoggerMessage(EventId = 6108, Level = LogLevel.Information, Message = "{Peer} answers again.")]
    private static partial void LogBack(ILogger logger, string peer);

    [LoggerMessage(EventId = 6109, Level = LogLevel.Information, Message = "{Peer} is tried at {Endpoint} now.")]
    private static partial void LogResolved(ILogger logger, string peer, IPEndPoint endpoint);

    [LoggerMessage(EventId = 6112, Level = LogLevel.Information, Message = "The gateway has changed this connection: {News}.")]
    private static partial void LogFollowed(ILogger logger, string news);

    [LoggerMessage(EventId = 6111, Level = LogLevel.Warning, Message = "{What}: {Cause}.")]
    private static partial void LogRoute(ILogger logger, string what, string cause);

    [LoggerMessage(EventId = 6110, Level = LogLevel.Information, Message = "Ended; the device and its routes are gone.")]
    private static partial void LogStopped(ILogger logger);
}
