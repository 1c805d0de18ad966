using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Gateway.Protocol.Tests.Simulation;

/// <summary>
/// One end with one peer: the smallest engine there can be around a device. Single-threaded; what it wants sent goes to <see cref="Transmit"/>.
/// </summary>
internal sealed class Station : IPeerOutput, IDisposable
{
    private static readonly LibcryptoPrimitives Crypto = new();

    private readonly RandomNumberGenerator _random;
    private readonly Queue<byte[]> _waiting = new();
    private readonly List<KeyPair> _retired = [];
    private bool _serviceWanted;

    internal Station(int seed, byte lastAddressByte)
    {
        _random = new SeededRandom(seed);
        PrivateKey = PrivateKey.Generate(_random);
        Device = new WireGuardDevice(PrivateKey, Crypto, _random, this);
        Address = [192, 0, 2, lastAddressByte];
    }

    internal PrivateKey PrivateKey { get; }

    internal WireGuardDevice Device { get; private set; }

    internal WireGuardPeer Peer { get; private set; } = null!;

    internal byte[] Address { get; set; }

    internal ushort Port { get; set; } = 51820;

    internal Action<byte[]> Transmit { get; set; } = _ => { };

    internal Moment Now { get; set; } = new(new Instant(TimeSpan.TicksPerHour), new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    internal Instant Deadline { get; private set; } = Instant.Infinity;

    internal bool EndpointKnown { get; set; } = true;

    /// <summary>Makes an engine that never sends keepalives, to see the other timers alone.</summary>
    internal bool IsMute { get; set; }

    internal List<byte[]> Delivered { get; } = [];

    internal List<HandshakeOutcome> Outcomes { get; } = [];

    internal List<OpenResult> OpenResults { get; } = [];

    internal List<Instant> InitiationTimes { get; } = [];

    internal int InitiationsSent => InitiationTimes.Count;

    internal int KeepalivesSent { get; private set; }

    internal int DataSent { get; private set; }

    internal int SessionsReady { get; private set; }

    internal int GivenUp => GivenUpBy.Count;

    internal List<WireGuardPeer> GivenUpBy { get; } = [];

    internal Action OnGivenUp { get; set; } = () => { };

    internal int Retired => _retired.Count;

    internal int Waiting => _waiting.Count;

    internal int UnknownIndices { get; private set; }

    internal void AddPeer(Station other, PresharedKey? presharedKey = null, TimeSpan persistentKeepalive = default)
    {
        Peer = Device.AddPeer(other.Device.PublicKey, presharedKey, persistentKeepalive)!;
        Serve();
    }

    /// <summary>Loses all state but the identity, as a process that was killed.</summary>
    internal void Restart(Station other, PresharedKey? presharedKey = null)
    {
        Device.Dispose();
        Device = new WireGuardDevice(PrivateKey, Crypto, _random, this);
        AddPeer(other, presharedKey);
    }

    internal void Send(params ReadOnlySpan<byte> packet)
    {
        var padded = new byte[(packet.Length + 15) / 16 * 16];
        packet.CopyTo(padded);
        if (!TrySend(padded))
        {
            _waiting.Enqueue(padded);
            _serviceWanted |= Peer.NoteWaiting(Now.Monotonic);
        }

        ServeIfWanted();
    }

    internal void Receive(byte[] datagram, byte[]? source = null, ushort port = 51820)
    {
        var type = datagram.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(datagram);
        if (type == 4 && datagram.Length >= KeyPair.OverheadBytes)
            ReceiveData(datagram);
        else
            ReceiveHandshake(datagram, source ?? [192, 0, 2, 200], port);
        ServeIfWanted();
    }

    /// <summary>Runs what is due; call when <see cref="Deadline"/> has come.</summary>
    internal void Serve()
    {
        _serviceWanted = false;
        Deadline = Peer.Service(Now);
        Assert.True(Deadline > Now.Monotonic, "Service must move its own deadline forward.");
    }

    internal void ServeIfWanted()
    {
        while (_serviceWanted)
            Serve();
    }

    public void Dispose() => Device.Dispose();

    void IPeerOutput.SendHandshakeMessage(WireGuardPeer peer, ReadOnlySpan<byte> message)
    {
        InitiationTimes.Add(Now.Monotonic);
        Transmit(message.ToArray());
    }

    void IPeerOutput.SendKeepalive(WireGuardPeer peer)
    {
        if (IsMute)
            return;
        if (TrySend([]))
            KeepalivesSent++;
        else
            _serviceWanted |= peer.NoteWaiting(Now.Monotonic);
    }

    void IPeerOutput.SessionReady(WireGuardPeer peer)
    {
        SessionsReady++;
        while (_waiting.TryPeek(out var packet) && TrySend(packet))
            _waiting.Dequeue();
    }

    void IPeerOutput.HandshakeGivenUp(WireGuardPeer peer)
    {
        GivenUpBy.Add(peer);
        _waiting.Clear();
        OnGivenUp();
    }

    void IPeerOutput.Retire(KeyPair keyPair)
    {
        Assert.Null(Device.FindKeyPair(keyPair.LocalIndex));
        _retired.Add(keyPair);
        keyPair.Dispose();
    }

    bool IPeerOutput.HasEndpoint(WireGuardPeer peer) => EndpointKnown;

    private bool TrySend(ReadOnlySpan<byte> packet)
    {
        if (Peer.SendKeys is not { } keys || !keys.TryReserve(1, Now.Monotonic, out var counter))
            return false;
        var message = new byte[packet.Length + KeyPair.OverheadBytes];
        keys.Seal(counter, packet, message);
        _serviceWanted |= Peer.NoteSent(keys, packet.Length != 0, Now.Monotonic);
        if (packet.Length != 0)
            DataSent++;
        Transmit(message);
        return true;
    }

    private void ReceiveData(byte[] datagram)
    {
        if (Device.FindKeyPair(BinaryPrimitives.ReadUInt32LittleEndian(datagram.AsSpan(4))) is not { } keys)
        {
            UnknownIndices++;
            return;
        }

        var copy = datagram.ToArray();
        var result = keys.TryOpen(copy, Now.Monotonic, out var length);
        OpenResults.Add(result);
        if (result != OpenResult.Ok)
            return;
        if (length != 0)
            Delivered.Add(copy[KeyPair.HeaderBytes..(KeyPair.HeaderBytes + length)]);
        _serviceWanted |= keys.Peer.NoteReceived(keys, length != 0, Now.Monotonic);
    }

    private void ReceiveHandshake(byte[] datagram, byte[] source, ushort port)
    {
        var reply = new byte[WireGuardDevice.MaxHandshakeBytes];
        var outcome = Device.Receive(datagram, source, port, Now, reply);
        Outcomes.Add(outcome);
        if (outcome.ReplyLength != 0)
            Transmit(reply[..outcome.ReplyLength]);
        if (outcome.Peer is not null)
            _serviceWanted = true;
    }
}
