using System.Collections.Immutable;
using System.Net;
using System.Threading.Channels;
using Gateway.Engine.Control;
using Gateway.Engine.Drops;
using Gateway.Engine.Flows;
using Gateway.Engine.Forensics;
using Gateway.Engine.Packets;
using Gateway.Engine.Ports;
using Gateway.Engine.Probes;
using Gateway.Engine.Recorder;
using Gateway.Engine.Taps;
using Gateway.Protocol;
using Microsoft.Extensions.Logging;

namespace Gateway.Engine;

/// <summary>Settings of the data plane.</summary>
public sealed record DataPlaneOptions
{
    /// <summary>Flows that each tunnel keeps at most; the oldest goes first.</summary>
    public int FlowCapacity { get; init; } = 65_536;

    /// <summary>First bytes kept of each packet while somebody watches.</summary>
    public int PacketSnapBytes { get; init; } = PacketTap.DefaultSnapBytes;

    /// <summary>Peers of each tunnel whose last packets are kept, 8 KB each once they have sent and received; 0 = none are.</summary>
    public int RecordedPeers { get; init; }
}

/// <summary>What came of a crafted packet.</summary>
/// <param name="Written">Whether it was written.</param>
/// <param name="Error">Why not: one sentence; null when written.</param>
public sealed record InjectResult(bool Written, string? Error);

/// <summary>
/// The data plane: runs the tunnels of the configuration last applied. All members may be called from any thread.
/// </summary>
public sealed class DataPlane : IDisposable
{
    private static readonly TimeSpan s_injectLimit = TimeSpan.FromSeconds(2);

    private readonly DataPlaneOptions _options;
    private readonly ITunnelPorts _ports;
    private readonly ICryptoPrimitives _crypto;
    private readonly EngineClock _clock;
    private readonly ILogger _logger;
    private readonly ControlLoop _loop;
    private readonly Channel<DataPlaneEvent> _events = Channel.CreateBounded<DataPlaneEvent>(new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropOldest });
    private volatile Tunnel[] _tunnels = [];
    private int _disposed;

    /// <summary>Makes a data plane without tunnels.</summary>
    public DataPlane(DataPlaneOptions options, ITunnelPorts ports, ICryptoPrimitives crypto, TimeProvider time, ILogger<DataPlane> logger)
    {
        _options = options;
        _ports = ports;
        _crypto = crypto;
        _logger = logger;
        _clock = new EngineClock(time);
        _loop = new ControlLoop(_clock, logger);
    }

    /// <summary>What happens, the oldest dropped when nobody reads (capacity 1024).</summary>
    public ChannelReader<DataPlaneEvent> Events => _events.Reader;

    /// <summary>
    /// Brings the running tunnels to these: opens new ones, closes those not listed, changes the rest in place so that unchanged peers keep their sessions.
    /// A tunnel that cannot be opened ends up <see cref="TunnelState.Failed"/> and is retried; it never makes this call throw. Completes when every tunnel
    /// has been opened or has failed once.
    /// </summary>
    public async Task ApplyAsync(ImmutableArray<TunnelConfig> tunnels, CancellationToken cancellationToken = default)
    {
        var applied = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(() =>
        {
            try
            {
                applied.SetResult(Apply(tunnels));
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                applied.SetException(exception);
            }
        });
        var opened = await applied.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        await opened.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>All tunnels as they are now.</summary>
    public ImmutableArray<TunnelStatus> GetTunnels() => [.. _tunnels.Select(StatusOf)];

    /// <summary>One tunnel as it is now; null for an unknown one.</summary>
    public TunnelStatus? GetTunnel(Guid tunnelId) => Find(tunnelId) is { } tunnel ? StatusOf(tunnel) : null;

    /// <summary>A tunnel's peers as they are now, in configured order; empty for an unknown tunnel. A copy of each: where one will do, <see cref="GetPeer"/>.</summary>
    public ImmutableArray<PeerStatus> GetPeers(Guid tunnelId) => Find(tunnelId) is { } tunnel ? [.. tunnel.Peers.Select(StatusOf)] : [];

    /// <summary>One peer as it is now; null for an unknown one.</summary>
    public PeerStatus? GetPeer(Guid tunnelId, Guid peerId) => Find(tunnelId)?.FindPeer(peerId) is { } peer ? StatusOf(peer) : null;

    /// <summary>Whom a tunnel's flows, drops and packets mean by their numbers; empty for an unknown tunnel.</summary>
    public ImmutableArray<PeerName> GetPeerNames(Guid tunnelId) => Find(tunnelId) is { } tunnel ? [.. tunnel.Peers.Select(peer => new PeerName(peer.Index, peer.Config.Id, peer.Config.Name))] : [];

    /// <summary>A tunnel's conversations as they are now; empty for an unknown tunnel.</summary>
    public IReadOnlyList<FlowRecord> GetFlows(Guid tunnelId) => Find(tunnelId)?.Flows.Snapshot(_clock.Now.Ticks) ?? [];

    /// <summary>Flows of a tunnel that had to leave the table for new ones since it was made.</summary>
    public long GetFlowEvictions(Guid tunnelId) => Find(tunnelId)?.Flows.Evictions ?? 0;

    /// <summary>What a tunnel did not pass on, as it is now; empty for an unknown tunnel.</summary>
    public DropSnapshot GetDrops(Guid tunnelId) => Find(tunnelId)?.Drops.Snapshot() ?? new DropSnapshot([], 0);

    /// <summary>The wall-clock time of ticks in flows, drops and packets.</summary>
    public DateTimeOffset ToUtc(long ticks) => _clock.ToUtc(new Instant(ticks)) ?? DateTimeOffset.UnixEpoch;

    /// <summary>Now, in the ticks of flows, drops and packets.</summary>
    public long NowTicks => _clock.Now.Ticks;

    /// <summary>The peer that packets to an address go to, and that alone may send from it: the longest prefix over all peers of the tunnel. Null = nobody.</summary>
    public Guid? FindOwner(Guid tunnelId, IPAddress address) => Find(tunnelId)?.Routes.Lookup(InetAddress.From(address))?.Config.Id;

    /// <summary>Whether packets from a peer may go to an address; false for an unknown peer.</summary>
    public bool AllowsDestination(Guid tunnelId, Guid peerId, IPAddress address) =>
        Find(tunnelId)?.FindPeer(peerId) is { } peer && (peer.Destinations is not { } destinations || destinations.Lookup(InetAddress.From(address)) is not null);

    /// <summary>Outer addresses whose handshake messages to a tunnel were refused, the last heard first; empty for an unknown tunnel.</summary>
    public ImmutableArray<HandshakeSource> GetHandshakeSources(Guid tunnelId) => Find(tunnelId)?.HandshakeLedger.Sources(_clock) ?? [];

    /// <summary>Peers of a tunnel whose handshakes do not come to a session, or whose endpoint has moved several times; empty for an unknown tunnel.</summary>
    public ImmutableArray<Guid> GetTroubledPeers(Guid tunnelId) => Find(tunnelId) is not { } tunnel ? []
        : [.. tunnel.HandshakeLedger.Troubled().Union(tunnel.Peers.Where(peer => peer.EndpointMoves.Count > 3).Select(peer => peer.Config.Id))];

    /// <summary>How a peer's handshakes go; null for an unknown one.</summary>
    public PeerHandshakes? GetHandshakes(Guid tunnelId, Guid peerId) =>
        Find(tunnelId) is { } tunnel && tunnel.FindPeer(peerId) is { } peer ? tunnel.HandshakeLedger.Of(peer, _clock) : null;

    /// <summary>Waits for the answers to a probe until disposed, and keeps them from the peer; null for an unknown tunnel, or one that carries frames.</summary>
    public ProbeWatch? WatchProbe(Guid tunnelId, ProbeKey key) => Find(tunnelId) is { Switch: null } tunnel ? tunnel.Probes.Open(key) : null;

    /// <summary>A peer's last packets, up to 32 a direction, the oldest first; none for an unknown peer, one silent for long, or where nothing is recorded.</summary>
    public ImmutableArray<RecordedPacket> GetLastPackets(Guid tunnelId, Guid peerId) =>
        Find(tunnelId) is { } tunnel && tunnel.FindPeer(peerId) is { } peer ? tunnel.Recorder.Read(peer.Index) : [];

    /// <summary>Whether a tunnel carries Ethernet frames.</summary>
    public bool IsEthernet(Guid tunnelId) => Find(tunnelId)?.Switch is not null;

    /// <summary>Watches a tunnel's packets until disposed; null for an unknown tunnel.</summary>
    public PacketTapReader? WatchPackets(Guid tunnelId) => Find(tunnelId)?.Tap.Watch();

    /// <summary>Whether anybody watches a tunnel's packets.</summary>
    public bool IsWatched(Guid tunnelId) => Find(tunnelId)?.Tap.IsWatched ?? false;

    /// <summary>
    /// Tries a peer elsewhere: its datagrams go there from now on, until it is heard from somewhere. For a peer that does not answer where it is thought to be.
    /// </summary>
    public void MoveEndpoint(Guid tunnelId, Guid peerId, IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        _loop.Post(() => Find(tunnelId)?.FindPeer(peerId)?.MoveEndpoint(UdpEndpoint.From(endpoint)));
    }

    /// <summary>Writes one crafted IP packet (or Ethernet frame, on TAP) to a tunnel's device, as if a peer had sent it. Garbage is refused.</summary>
    public InjectResult InjectToDevice(Guid tunnelId, ReadOnlySpan<byte> packet)
    {
        if (Find(tunnelId) is not { State: TunnelState.Up } tunnel) return NotUp;
        if (Problem(tunnel, packet) is { } problem) return new InjectResult(false, problem);
        using var injection = new Injection(packet.ToArray());
        tunnel.PostInbound(new Command(CommandKind.Inject, Injection: injection));
        return injection.Wait(s_injectLimit);
    }

    /// <summary>Sends one crafted IP packet (or Ethernet frame) to a peer, as if it had been read from the device. Garbage is refused.</summary>
    public InjectResult InjectToPeer(Guid tunnelId, Guid peerId, ReadOnlySpan<byte> packet)
    {
        if (Find(tunnelId) is not { State: TunnelState.Up } tunnel) return NotUp;
        if (tunnel.FindPeer(peerId) is not { } peer) return new InjectResult(false, "The tunnel has no such peer.");
        if (Problem(tunnel, packet) is { } problem) return new InjectResult(false, problem);
        using var injection = new Injection(packet.ToArray());
        tunnel.PostOutbound(new Command(CommandKind.Inject, peer, Injection: injection));
        return injection.Wait(s_injectLimit);
    }

    /// <summary>Stops all tunnels, closes devices and sockets, erases keys.</summary>
    public void Dispose()
    {
        // A host disposes of it in an order of its own, and its service provider once more.
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        using var stopped = new ManualResetEventSlim();
        _loop.Post(() =>
        {
            foreach (var tunnel in _tunnels) tunnel.Dispose();
            _tunnels = [];
            stopped.Set();
        });
        stopped.Wait();
        _loop.Dispose();
        _events.Writer.TryComplete();
    }

    private static InjectResult NotUp => new(false, "The tunnel is not up.");

    /// <summary>Control thread.</summary>
    private Task Apply(ImmutableArray<TunnelConfig> wanted)
    {
        var running = _tunnels.ToDictionary(tunnel => tunnel.Config.Id);
        foreach (var tunnel in _tunnels)
        {
            // Another transport or layer is another tunnel: nothing of the old one's inside fits.
            var still = wanted.FirstOrDefault(config => config.Id == tunnel.Config.Id);
            if (still is not null && still.Transport == tunnel.Config.Transport && still.Layer == tunnel.Config.Layer) continue;
            tunnel.Dispose();
            running.Remove(tunnel.Config.Id);
        }

        var tunnels = new List<Tunnel>(wanted.Length);
        var tasks = new List<Task>();
        foreach (var config in wanted)
        {
            if (running.TryGetValue(config.Id, out var tunnel))
            {
                if (!ReferenceEquals(tunnel.Config, config)) tasks.Add(tunnel.ApplyAsync(config));
            }
            else
            {
                tunnel = new Tunnel(config, _options, _ports, _crypto, _clock, _loop, happened => _events.Writer.TryWrite(happened), _logger);
                tasks.Add(tunnel.ApplyAsync(config));
            }

            tunnels.Add(tunnel);
        }

        _tunnels = [.. tunnels];
        return Task.WhenAll(tasks);
    }

    private Tunnel? Find(Guid id) => Array.Find(_tunnels, tunnel => tunnel.Config.Id == id);

    private static string? Problem(Tunnel tunnel, ReadOnlySpan<byte> packet)
    {
        if (tunnel.Switch is null) return PacketProblem.OfIpPacket(packet);
        return packet.Length >= EthernetSwitch.HeaderBytes ? null : $"An Ethernet frame has at least {EthernetSwitch.HeaderBytes} bytes of header; this one has {packet.Length}.";
    }

    private TunnelStatus StatusOf(Tunnel tunnel)
    {
        var ports = tunnel.Status;
        var peers = tunnel.Peers;
        long received = 0, sent = 0;
        foreach (var peer in peers)
        {
            received += peer.ReceivedBytes;
            sent += peer.SentBytes;
        }

        return new TunnelStatus(
            tunnel.Config.Id, ports.Name, ports.State, ports.Cause, ports.Remedy, ports.NextAttempt, ports.ListenPort, ports.Mtu, ports.LinkProblems, ports.Offloads,
            Sum(tunnel.OutboundDrops, tunnel.InboundDrops, tunnel.ControlDrops), peers.Length, received, sent);
    }

    private PeerStatus StatusOf(Peer peer) => new(
        peer.Config.Id, peer.Config.Name, peer.Config.PublicKey, peer.Endpoint?.Value.ToIPEndPoint(), peer.Session?.LastHandshake,
        _clock.ToUtc(peer.Received.LastData), _clock.ToUtc(peer.Sent.LastData),
        peer.ReceivedBytes, peer.SentBytes, peer.Received.Packets, peer.Sent.Packets,
        Sum(peer.Sent.Drops, peer.Received.Drops, peer.HandshakeDrops));

    private static ImmutableArray<long> Sum(long[] a, long[] b, long[] c)
    {
        var sum = ImmutableArray.CreateBuilder<long>(DropReasons.Count);
        for (var i = 0; i < DropReasons.Count; i++) sum.Add(a[i] + b[i] + c[i]);
        return sum.MoveToImmutable();
    }
}
