namespace Gateway.Contracts;

/// <summary>The places on a packet's way and on its answer's, in order.</summary>
public static class HopIds
{
    /// <summary>The client's own route into the tunnel.</summary>
    public const string ClientRoute = "client-route";
    /// <summary>Handshake and session with the peer.</summary>
    public const string Session = "session";
    /// <summary>The inner source: the peer's allowed IPs.</summary>
    public const string Source = "source";
    /// <summary>The inner destination: the peer's client routes.</summary>
    public const string Destination = "destination";
    /// <summary>The tunnel's device on the gateway.</summary>
    public const string TunnelDevice = "tunnel-device";
    /// <summary>Rules that send it to another destination, where there are any.</summary>
    public const string DestinationNat = "destination-nat";
    /// <summary>Reverse-path filter of the tunnel's device.</summary>
    public const string ReversePath = "reverse-path";
    /// <summary>The kernel's forwarding switch.</summary>
    public const string Forwarding = "forwarding";
    /// <summary>The kernel's route to the destination.</summary>
    public const string Route = "route";
    /// <summary>Firewall rules on the way in and through.</summary>
    public const string Firewall = "firewall";
    /// <summary>Address translation.</summary>
    public const string Nat = "nat";
    /// <summary>The device that it leaves by.</summary>
    public const string OutDevice = "out-device";
    /// <summary>Whose the destination is, where it lies behind another peer.</summary>
    public const string DestinationPeer = "destination-peer";
    /// <summary>How large a packet the way takes.</summary>
    public const string Mtu = "mtu";
    /// <summary>The next machine on the link.</summary>
    public const string NextHop = "next-hop";
    /// <summary>The destination itself.</summary>
    public const string DestinationHost = "destination-host";
    /// <summary>The destination's route back.</summary>
    public const string WayBack = "way-back";
    /// <summary>Reverse-path filter of the device that the answer arrives on.</summary>
    public const string AnswerReversePath = "answer-reverse-path";
    /// <summary>The kernel's forwarding switch for the answer.</summary>
    public const string AnswerForwarding = "answer-forwarding";
    /// <summary>The gateway's route to the inner source.</summary>
    public const string AnswerRoute = "answer-route";
    /// <summary>Firewall rules that the answer meets.</summary>
    public const string AnswerFirewall = "answer-firewall";
    /// <summary>The peer that owns the inner source.</summary>
    public const string AnswerOwner = "answer-owner";
    /// <summary>The session that the answer is sealed with.</summary>
    public const string AnswerSession = "answer-session";
    /// <summary>The way of the outer datagram to the peer.</summary>
    public const string AnswerEndpoint = "answer-endpoint";
}
