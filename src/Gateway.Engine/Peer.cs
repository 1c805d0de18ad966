using System.Collections.Immutable;
using System.Net;
using Gateway.Engine.Forensics;
using Gateway.Engine.Routing;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// One peer while its tunnel runs. Each field names its writer: the outbound thread, the inbound thread or the control thread; everyone may read.
/// </summary>
internal sealed class Peer
{
    private EndpointHolder? _endpoint;
    private RouteTable<Peer>? _destinations;
    private WireGuardPeer? _session;
    private WireGuardPeer? _successor;
    private int _servicePending;

    public Peer(int index, PeerConfig config)
    {
        Index = index;
        Config = config;
        ApplyDestinations();
        if (config.Endpoint is { } endpoint) MoveEndpoint(UdpEndpoint.From(endpoint));
    }

    /// <summary>Small and unique within the tunnel: how flows and taps name the peer.</summary>
    public int Index { get; }

    /// <summary>Control thread.</summary>
    public PeerConfig Config { get; private set; }

    /// <summary>
    /// The protocol's side, which packets to it are sealed with; null on the plain transport. The control thread swaps it, once, where a key was
    /// rotated: packets from it are found by either identity, so that nothing is lost in between.
    /// </summary>
    public WireGuardPeer? Session
    {
        get => Volatile.Read(ref _session);
        set => Volatile.Write(ref _session, value);
    }

    /// <summary>The identity with the new key, while the one before a rotation still is <see cref="Session"/>. Changed on the control thread.</summary>
    public WireGuardPeer? Successor
    {
        get => Volatile.Read(ref _successor);
        set => Volatile.Write(ref _successor, value);
    }

    /// <summary>The identity to seal with: the new one as soon as it has a session, before the control thread has seen that. Any thread.</summary>
    public WireGuardPeer? Sealer => Successor is { SendKeys: not null } successor ? successor : Session;

    /// <summary>The key that a new one has replaced: not let in again, though the configuration may not know yet. Control thread.</summary>
    public PublicKey? Replaced { get; set; }

    /// <summary>Handshake initiations since it last answered. Control thread.</summary>
    public int Unanswered { get; set; }

    /// <summary>Where it is now. An immutable object is swapped, so that readers never see half an address.</summary>
    public EndpointHolder? Endpoint => Volatile.Read(ref _endpoint);

    /// <summary>Where packets from it may go; null = anywhere.</summary>
    public RouteTable<Peer>? Destinations => Volatile.Read(ref _destinations);

    public SendCounters Sent { get; } = new();

    public ReceiveCounters Received { get; } = new();

    /// <summary>Handshake bytes each way. Control thread.</summary>
    public long HandshakeBytesSent { get; set; }

    /// <summary>Handshake bytes each way. Control thread.</summary>
    public long HandshakeBytesReceived { get; set; }

    /// <summary>UDP payload bytes from it, as wg counts them.</summary>
    public long ReceivedBytes => Received.Bytes + HandshakeBytesReceived;

    /// <summary>UDP payload bytes to it.</summary>
    public long SentBytes => Sent.Bytes + HandshakeBytesSent;

    /// <summary>Handshake messages from it that were refused. Control thread.</summary>
    public long[] HandshakeDrops { get; } = new long[DropReasons.Count];

    /// <summary>Where its endpoint has been.</summary>
    public EndpointMoves EndpointMoves { get; } = new();

    /// <summary>Packets that wait for a session. Outbound thread.</summary>
    public WaitingPackets Waiting { get; } = new();

    /// <summary>When the control thread's timer queue holds an entry for it. Control thread.</summary>
    public Instant QueuedAt { get; set; } = Instant.Infinity;

    /// <summary>When <see cref="WireGuardPeer.Service"/> is due. Control thread.</summary>
    public Instant DueAt { get; set; } = Instant.Infinity;

    /// <summary>The last change of the configuration that had this peer. Control thread.</summary>
    public int WantedIn { get; set; }

    /// <summary>Set when the peer has left the configuration. Control thread.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>The inbound thread (authenticated packets) and the control thread (handshakes, configuration) move it; the last one wins.</summary>
    public void MoveEndpoint(in UdpEndpoint endpoint) => Volatile.Write(ref _endpoint, new EndpointHolder(endpoint));

    /// <summary>Takes a change of configuration. The endpoint moves only where the configured one changed.</summary>
    public void Apply(PeerConfig config)
    {
        var old = Config;
        Config = config;
        if (config.Endpoint is { } endpoint && !endpoint.Equals(old.Endpoint)) MoveEndpoint(UdpEndpoint.From(endpoint));
        if (!SamePrefixes(config.AllowedDestinations, old.AllowedDestinations)) ApplyDestinations();
    }

    /// <summary>True for the first of several threads that ask for service before it is given.</summary>
    public bool TryMarkServicePending() => Interlocked.Exchange(ref _servicePending, 1) == 0;

    public void ClearServicePending() => Volatile.Write(ref _servicePending, 0);

    private void ApplyDestinations() =>
        Volatile.Write(ref _destinations, Config.AllowedDestinations is { } prefixes ? RouteTable<Peer>.Build(prefixes.Select(prefix => (prefix, this))) : null);

    private static bool SamePrefixes(ImmutableArray<IPNetwork>? a, ImmutableArray<IPNetwork>? b) =>
        a is null ? b is null : b is not null && (a.Value == b.Value || a.Value.AsSpan().SequenceEqual(b.Value.AsSpan()));
}

/// <summary>An endpoint that is swapped as a whole.</summary>
internal sealed class EndpointHolder(UdpEndpoint value)
{
    public readonly UdpEndpoint Value = value;
}

/// <summary>Written by the outbound thread alone. Its own object, so that the two directions do not share a cache line.</summary>
internal sealed class SendCounters
{
    public long Packets;
    public long Bytes;
    public Instant LastData;
    public int FlightBlock = -1;
    public readonly long[] Drops = new long[DropReasons.Count];
}

/// <summary>Written by the inbound thread alone.</summary>
internal sealed class ReceiveCounters
{
    public long Packets;
    public long Bytes;
    public Instant LastData;
    public int FlightBlock = -1;
    public readonly long[] Drops = new long[DropReasons.Count];
}
