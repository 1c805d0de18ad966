using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Features.Explain.Reasoning;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Events;

/// <summary>
/// Turns what the engine and the kernel do into events that say something to people: what the engine reports, at once; what nobody reports — a peer
/// that falls silent, a setting changed by somebody else — by a look every half minute.
/// </summary>
internal sealed partial class EngineEvents(
    EventLog log, DataPlane dataPlane, KernelKeeper kernel, IDbContextFactory<GatewayDbContext> contexts, TimeProvider time, ILogger<EngineEvents> logger) : BackgroundService
{
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);

    /// <summary>A session's keys are good for so long (whitepaper §6.1): a peer that is there has been heard in that time.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(180);

    /// <summary>One event of a peer that moves to and fro says as much as a hundred.</summary>
    private static readonly TimeSpan MovesApart = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Seen> _peers = [];
    private readonly Dictionary<Guid, string> _failed = [];
    private HashSet<string> _problems = [];

    /// <summary>Takes what the engine reports.</summary>
    public void Observe(DataPlaneEvent happened)
    {
        var tunnel = dataPlane.GetTunnel(happened.TunnelId);
        lock (_gate)
        {
            if (happened.PeerId is { } peerId)
            {
                if (dataPlane.GetPeer(happened.TunnelId, peerId) is { } peer) ObservePeer(happened, tunnel?.Name, peer);
                return;
            }

            ObserveTunnel(happened, tunnel);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                LookForSilence();
                await LookAtKernelAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogFailed(exception);
            }
        }
    }

    private void ObservePeer(DataPlaneEvent happened, string? tunnel, PeerStatus peer)
    {
        var isKnown = _peers.TryGetValue(peer.Id, out var seen);
        seen ??= _peers[peer.Id] = new Seen(happened.TunnelId);
        var endpoint = peer.Endpoint?.ToString();
        if (happened.Kind == DataPlaneEventKind.SessionEstablished && (!isKnown || !seen.IsThere))
        {
            Raise(seen.HasConnected ? EventKinds.PeerReconnected : EventKinds.PeerConnected, EventSeverities.Info, $"Peer {peer.Name} has {(seen.HasConnected ? "come back" : "connected")} from {endpoint}.", tunnel, peer);
            seen.IsThere = seen.HasConnected = true;
        }
        else if (happened.Kind == DataPlaneEventKind.EndpointMoved && seen.Endpoint is { } old && endpoint is not null && old != endpoint)
        {
            if (seen.MovedAt is not { } at || time.GetElapsedTime(at) >= MovesApart)
            {
                seen.MovedAt = time.GetTimestamp();
                Raise(EventKinds.EndpointMoved, EventSeverities.Info, $"Peer {peer.Name} has moved from {old} to {endpoint}.", tunnel, peer, evidence: new()
                {
                    ["from"] = old,
                    ["to"] = endpoint,
                    ["moves not told since the last event"] = seen.MovesUntold.ToString(System.Globalization.CultureInfo.InvariantCulture),
                });
                seen.MovesUntold = 0;
            }
            else
            {
                seen.MovesUntold++;
            }
        }

        seen.Endpoint = endpoint ?? seen.Endpoint;
    }

    private void ObserveTunnel(DataPlaneEvent happened, TunnelStatus? tunnel)
    {
        var name = tunnel?.Name;
        switch (happened.Kind)
        {
            case DataPlaneEventKind.TunnelUp:
                Raise(EventKinds.TunnelUp, EventSeverities.Info, _failed.Remove(happened.TunnelId) ? $"Tunnel {name} is up again." : $"Tunnel {name} is up.", name, null);
                break;
            // It is tried again and again; the same failure is told once.
            case DataPlaneEventKind.TunnelFailed when !_failed.TryGetValue(happened.TunnelId, out var cause) || cause != happened.Text:
                _failed[happened.TunnelId] = happened.Text ?? "";
                Raise(EventKinds.TunnelFailed, EventSeverities.Error, $"Tunnel {name} is down: {happened.Text}", name, null, tunnel?.Remedy);
                break;
            case DataPlaneEventKind.OffloadOff:
                Raise(EventKinds.OffloadOff, EventSeverities.Warning, $"Tunnel {name}: the kernel refuses {happened.Text}; it goes on without it, slower.", name, null);
                break;
        }
    }

    private void LookForSilence()
    {
        lock (_gate)
        {
            foreach (var (id, seen) in _peers)
            {
                if (dataPlane.GetPeer(seen.TunnelId, id) is not { } peer)
                {
                    _peers.Remove(id);
                    continue;
                }

                var now = time.GetUtcNow();
                if (!seen.IsThere || IsRecent(peer.LastReceived) || IsRecent(peer.LastHandshake)) continue;
                seen.IsThere = false;
                Raise(EventKinds.PeerGone, EventSeverities.Info, $"Peer {peer.Name} has not been heard for three minutes.", dataPlane.GetTunnel(seen.TunnelId)?.Name, peer);

                bool IsRecent(DateTimeOffset? at) => at is { } when && now - when <= Silence;
            }
        }
    }

    /// <summary>What the kernel refused, and what somebody changed in it: each told once, until it is over.</summary>
    private async Task LookAtKernelAsync(CancellationToken cancellationToken)
    {
        var found = new HashSet<string>();
        foreach (var tunnel in dataPlane.GetTunnels())
        {
            foreach (var problem in tunnel.LinkProblems)
            {
                if (IsNew($"{tunnel.Id} {problem.What}: {problem.Cause}"))
                    Raise(EventKinds.KernelRefused, EventSeverities.Warning, $"Tunnel {tunnel.Name}: the kernel refused {problem.What}: {problem.Cause}", tunnel.Name, null, problem.Remedy);
            }
        }

        foreach (var problem in kernel.Problems.Values.Where(problem => IsNew($"{problem.What}: {problem.Cause}")))
            Raise(EventKinds.KernelRefused, EventSeverities.Warning, $"The kernel refused {problem.What}: {problem.Cause}", null, null, problem.Remedy);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        foreach (var setting in await db.KernelSettings.AsNoTracking().ToListAsync(cancellationToken))
        {
            if (kernel.Kernel.Read(setting.Path) is not { } value || value == setting.Wanted || kernel.Problems.ContainsKey(setting.Path) || !IsNew($"drift {setting.Path} {value}")) continue;
            var name = Linux.Settings.KernelSettings.NameOf(setting.Path);
            Raise(EventKinds.KernelDrift, EventSeverities.Warning, $"Somebody changed {name} to {value}; wanted is {setting.Wanted}.", null, null,
                $"sysctl -w {name}={setting.Wanted}, or change what is wanted.", remedies: SetAgain(setting.Path, setting.Wanted, value));
        }

        _problems = found;

        bool IsNew(string problem) => found.Add(problem) && !_problems.Contains(problem);
    }

    /// <summary>The value wanted once more, where it is one that the API sets; taking it back is to want what was found.</summary>
    private static IReadOnlyList<Remedy> SetAgain(string path, int wanted, int found)
    {
        var name = Linux.Settings.KernelSettings.NameOf(path);
        string[] modes = [RpFilters.Off, RpFilters.Strict, RpFilters.Loose];
        if (path is KernelPaths.Ipv4Forwarding or KernelPaths.Ipv6Forwarding)
            return [RemedyOf.Patch($"Set {name} to {wanted} again.", "host", path == KernelPaths.Ipv4Forwarding ? "ipv4Forwarding" : "ipv6Forwarding", wanted > 0, found > 0)];
        return KernelPaths.Device(path) is { } device && path == KernelPaths.RpFilter(device) && wanted is >= 0 and <= 2 && found is >= 0 and <= 2
            ? [RemedyOf.Patch($"Set {name} to {wanted} again.", $"interfaces/{Uri.EscapeDataString(device)}", "rpFilter", modes[wanted], modes[found])] : [];
    }

    private void Raise(string kind, string severity, string text, string? tunnel, PeerStatus? peer, string? remedy = null, Dictionary<string, string>? evidence = null, IReadOnlyList<Remedy>? remedies = null) =>
        log.Raise(new GatewayEvent(kind, severity, text) { Tunnel = tunnel, PeerId = peer?.Id, Peer = peer?.Name, Remedy = remedy, Remedies = remedies ?? [], Evidence = evidence });

    [LoggerMessage(EventId = 1312, Level = LogLevel.Error, Message = "A look for events failed; the next is in half a minute")]
    private partial void LogFailed(Exception exception);

    /// <summary>What was noticed of a peer.</summary>
    private sealed class Seen(Guid tunnelId)
    {
        public Guid TunnelId { get; } = tunnelId;

        public bool IsThere { get; set; }

        public bool HasConnected { get; set; }

        public string? Endpoint { get; set; }

        public long? MovedAt { get; set; }

        public int MovesUntold { get; set; }
    }
}
