using Gateway.Engine.Control;
using Gateway.Engine.Ports;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// The side road of one tunnel, on the control thread: handshake messages in, what the protocol wants sent out. A session that comes up is announced
/// to the outbound thread, which holds the packets that wait for it.
/// </summary>
internal sealed class Handshakes(Tunnel tunnel, ControlLoop loop) : IPeerOutput
{
    /// <summary>Initiations without an answer after which a peer counts as silent: about 15 s of trying.</summary>
    private const int SilentAfter = 3;

    private readonly byte[] _reply = new byte[WireGuardDevice.MaxHandshakeBytes];
    private readonly List<Peer> _ready = [];
    private readonly List<(Peer Peer, WireGuardPeer Old)> _replaced = [];

    /// <summary>Handles one handshake message.</summary>
    public void Receive(ReadOnlySpan<byte> message, in UdpEndpoint source, bool underLoad)
    {
        if (tunnel.Identity is not { } identity) return;
        Span<byte> address = stackalloc byte[16];
        source.Address.CopyTo(address);
        identity.UnderLoad = underLoad;
        var now = tunnel.Clock.Moment;
        var outcome = identity.Receive(message, address, source.Port, now, _reply);
        tunnel.HandshakeLedger.Note(in source, in outcome, now);
        var peer = outcome.Peer?.Owner as Peer;
        var wasThere = peer?.Endpoint?.Value == source;

        if (outcome.Result is HandshakeResult.Responded or HandshakeResult.Completed && peer is not null)
        {
            peer.HandshakeBytesReceived += message.Length;
            if (!wasThere)
            {
                var moved = peer.Endpoint is not { } old || !old.Value.IsSameRemote(in source);
                peer.MoveEndpoint(in source);
                if (moved) tunnel.ReportEndpoint(peer);
            }
        }

        if (outcome.ReplyLength > 0)
        {
            var sent = Reply(_reply.AsSpan(0, outcome.ReplyLength), in source, isProven: wasThere);
            if (sent != PortStatus.Ok) tunnel.CountControlDrop(peer, sent == PortStatus.WouldBlock ? DropReason.QueueFull : DropReason.KernelRefused);
            else if (peer is not null) peer.HandshakeBytesSent += outcome.ReplyLength;
        }

        if (RefusedBecause(outcome.Result) is { } reason) tunnel.CountControlDrop(peer, reason);

        if (peer is not null) loop.Service(tunnel, peer);
        AnnounceSessions();
    }

    /// <summary>Only an address that a peer has used before is worth waiting for: any other may be forged, and a flood of them must cost no data.</summary>
    private PortStatus Reply(ReadOnlySpan<byte> message, in UdpEndpoint destination, bool isProven)
    {
        if (tunnel.Socket is not { } socket) return PortStatus.Gone;
        return (isProven ? socket.Send(message, message.Length, in destination) : socket.SendUnproven(message, in destination)).Status;
    }

    /// <summary>Tells the outbound thread which sessions came up. After the endpoint has moved, so that waiting packets go to the new place.</summary>
    public void AnnounceSessions()
    {
        foreach (var (peer, old) in _replaced)
        {
            tunnel.Identity!.RemovePeer(old);
            peer.Session!.SetPersistentKeepalive(peer.Config.PersistentKeepalive, tunnel.Clock.Moment);
            loop.Service(tunnel, peer);
            tunnel.Report(new DataPlaneEvent(DataPlaneEventKind.KeyReplaced, tunnel.Config.Id, peer.Config.Id, null));
        }

        _replaced.Clear();
        foreach (var peer in _ready)
        {
            tunnel.PostOutbound(new Command(CommandKind.SessionReady, peer));
            tunnel.Report(new DataPlaneEvent(DataPlaneEventKind.SessionEstablished, tunnel.Config.Id, peer.Config.Id, null));
        }

        _ready.Clear();
    }

    void IPeerOutput.SendHandshakeMessage(WireGuardPeer peer, ReadOnlySpan<byte> message)
    {
        if (peer.Owner is not Peer owner || owner.Endpoint is not { } endpoint || tunnel.Socket is not { } socket) return;
        tunnel.HandshakeLedger.NoteSent(owner, tunnel.Clock.Moment);
        if (socket.Send(message, message.Length, in endpoint.Value).Status == PortStatus.Ok) owner.HandshakeBytesSent += message.Length;
        else tunnel.CountControlDrop(owner, DropReason.KernelRefused);
        if (++owner.Unanswered % SilentAfter == 0) tunnel.Report(new DataPlaneEvent(DataPlaneEventKind.PeerSilent, tunnel.Config.Id, owner.Config.Id, endpoint.Value.ToString()));
        // Whoever is asked by the old key may have gone over to the new one already.
        if (peer == owner.Session) owner.Successor?.StartHandshake(tunnel.Clock.Moment);
    }

    bool IPeerOutput.HasEndpoint(WireGuardPeer peer) => peer.Owner is Peer { Endpoint: not null };

    void IPeerOutput.SendKeepalive(WireGuardPeer peer)
    {
        if (peer.Owner is Peer owner && owner.Session == peer) tunnel.PostOutbound(new Command(CommandKind.Keepalive, owner));
    }

    void IPeerOutput.SessionReady(WireGuardPeer peer)
    {
        if (peer.Owner is not Peer owner) return;
        tunnel.HandshakeLedger.NoteSession(owner);
        owner.Unanswered = 0;
        if (peer == owner.Successor)
        {
            // Sealing goes over at once: the keepalive that tells the peer so is next. The old identity is removed when no call is in it.
            var old = owner.Session!;
            _replaced.Add((owner, old));
            owner.Replaced = old.PublicKey;
            owner.Session = peer;
            owner.Successor = null;
        }

        _ready.Add(owner);
    }

    void IPeerOutput.HandshakeGivenUp(WireGuardPeer peer)
    {
        if (peer.Owner is Peer owner && owner.Session == peer) tunnel.PostOutbound(new Command(CommandKind.DropWaiting, owner));
    }

    void IPeerOutput.Retire(KeyPair keyPair) => tunnel.Retire(keyPair);

    private static DropReason? RefusedBecause(HandshakeResult result) => result switch
    {
        HandshakeResult.Responded or HandshakeResult.Completed or HandshakeResult.CookieSent or HandshakeResult.CookieLearned => null,
        HandshakeResult.Malformed => DropReason.Malformed,
        HandshakeResult.RateLimited => DropReason.Rate,
        _ => DropReason.HandshakeRefused,
    };
}
