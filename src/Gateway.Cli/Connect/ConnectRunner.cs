using System.Net;
using System.Net.Sockets;
using Gateway.Cli.Output;
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
        await signals.Stopped;
        await stop.CancelAsync();
        await Task.WhenAll(watching, events);
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
            var now = await ResolveAsync(wanted.Endpoint, stop);
            // A peer that has roamed may have gone silent where it went: the written address is then the best that is known.
            if (now is null || (now.Equals(peer.Endpoint) && now.Equals(status.Endpoint))) return;
            if (!now.Equals(status.Endpoint)) LogResolved(_log, peer.Name, now);
            await ApplyEndpointAsync(peer.Id, status.Endpoint ?? now);
            await ApplyEndpointAsync(peer.Id, now);
        }
    }

    private async Task ApplyEndpointAsync(Guid peer, IPEndPoint endpoint)
    {
        var next = ConnectPlan.WithEndpoints(_config, new Dictionary<Guid, IPEndPoint> { [peer] = endpoint });
        var others = next.Peers.Select(p => p.Endpoint).Concat(_plane.GetPeers(_config.Id).Select(p => p.Endpoint));
        foreach (var problem in await KeepEndpointsOutsideAsync(others, _plane.GetTunnels()[0].Name)) LogRoute(_log, problem.What, problem.Cause);
        await _plane.ApplyAsync([next]);
        _config = next;
    }

    private static async Task<IPEndPoint?> ResolveAsync(WgQuickEndpoint endpoint, CancellationToken stop = default)
    {
        if (endpoint.Numeric is { } numeric) return numeric;
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(endpoint.Host, stop);
            return addresses.Length > 0 ? new IPEndPoint(addresses[0], endpoint.Port) : null;
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

    [LoggerMessage(EventId = 6111, Level = LogLevel.Warning, Message = "{What}: {Cause}.")]
    private static partial void LogRoute(ILogger logger, string what, string cause);

    [LoggerMessage(EventId = 6110, Level = LogLevel.Information, Message = "Ended; the device and its routes are gone.")]
    private static partial void LogStopped(ILogger logger);
}
