using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Engine.Packets;
using Gateway.Engine.Taps;
using Gateway.Features.Packets.Reading;
using Gateway.Live;

namespace Gateway.Features.Packets.Watching;

/// <summary>One packet that matches, before it is made into what its watcher wants.</summary>
/// <param name="Tunnel">Where.</param>
/// <param name="Peer">Whose; null = not known.</param>
/// <param name="Record">What the tap says.</param>
/// <param name="Visible">How many of the bytes may be shown.</param>
internal readonly record struct SeenPacket(WatchedTunnel Tunnel, PeerName? Peer, TapRecord Record, int Visible);

/// <summary>A tunnel whose packets are being watched.</summary>
internal sealed record WatchedTunnel(Guid Id, string Name, bool IsEthernet, ushort ListenPort, PacketTapReader Reader);

/// <summary>
/// Reads the packets of one watcher's query from the taps of all tunnels that it names, of those that come and go meanwhile, too. The taps are armed
/// for as long as this exists.
/// </summary>
internal sealed class PacketWatcher : IDisposable
{
    private readonly DataPlane _dataPlane;
    private readonly PacketsQuery _query;
    private readonly CaptureFilter _filter;
    private readonly bool _showsPayload;
    private readonly LiveNames _names;
    private readonly List<WatchedTunnel> _tunnels = [];
    private readonly Guid? _peerId;
    private long _lostOfGone, _lostTold;

    public PacketWatcher(DataPlane dataPlane, TimeProvider time, PacketsQuery query, CaptureFilter filter, int snapBytes, bool showsPayload)
    {
        _dataPlane = dataPlane;
        _query = query;
        _filter = filter;
        _showsPayload = showsPayload;
        _names = new LiveNames(dataPlane, time);
        _peerId = Guid.TryParse(query.Peer, out var id) ? id : null;
        Buffer = new byte[snapBytes];
        Refresh();
    }

    /// <summary>Holds the bytes of the packet that was read last.</summary>
    public byte[] Buffer { get; }

    /// <summary>The tunnels watched now.</summary>
    public IReadOnlyList<WatchedTunnel> Tunnels => _tunnels;

    /// <summary>Packets overwritten before they were looked at since the last call.</summary>
    public long TakeLost()
    {
        var lost = _lostOfGone + _tunnels.Sum(tunnel => tunnel.Reader.Lost);
        var since = lost - _lostTold;
        _lostTold = lost;
        return since;
    }

    /// <summary>Starts with tunnels that are new and ends with those that have gone.</summary>
    public void Refresh()
    {
        _names.Begin();
        var there = _dataPlane.GetTunnels().Where(tunnel => _query.Tunnel is null || tunnel.Name == _query.Tunnel).ToDictionary(tunnel => tunnel.Id);
        foreach (var gone in _tunnels.Where(tunnel => !there.ContainsKey(tunnel.Id)).ToList())
        {
            _lostOfGone += gone.Reader.Lost;
            gone.Reader.Dispose();
            _tunnels.Remove(gone);
        }

        foreach (var tunnel in there.Values.Where(tunnel => _tunnels.TrueForAll(watched => watched.Id != tunnel.Id)))
        {
            if (_dataPlane.WatchPackets(tunnel.Id) is { } reader)
                _tunnels.Add(new WatchedTunnel(tunnel.Id, tunnel.Name, reader.IsEthernet, tunnel.ListenPort, reader));
        }
    }

    /// <summary>Reads at most so many packets and hands over those that match. False when there was nothing more.</summary>
    public bool Read(int budget, Action<SeenPacket> take)
    {
        var wasBusy = false;
        foreach (var tunnel in _tunnels)
        {
            for (var left = budget; tunnel.Reader.TryRead(Buffer, out var record); left--)
            {
                if (left == 0)
                {
                    wasBusy = true;
                    break;
                }

                if (_query.Verdict is { } verdict && (record.Drop is null) != (verdict == PacketVerdicts.Passed)) continue;
                var peer = _names.Peer(tunnel.Id, record.PeerIndex);
                if (_query.Peer is not null && !IsWanted(peer)) continue;
                if (!_filter.Matches(Buffer, record.CapturedBytes, record.OriginalBytes, tunnel.IsEthernet)) continue;
                take(new SeenPacket(tunnel, peer, record, Visible(tunnel, record)));
            }
        }

        return wasBusy;
    }

    /// <summary>A copy of the bytes that may be shown of the packet that was read last.</summary>
    public byte[] Data(in SeenPacket packet) => Buffer[..packet.Visible];

    public void Dispose()
    {
        foreach (var tunnel in _tunnels) tunnel.Reader.Dispose();
        _tunnels.Clear();
        _filter.Dispose();
    }

    private int Visible(WatchedTunnel tunnel, TapRecord record) => _showsPayload
        ? record.CapturedBytes
        : Math.Min(PacketHeaders.Length(Buffer.AsSpan(0, record.CapturedBytes), tunnel.IsEthernet), record.CapturedBytes);

    private bool IsWanted(PeerName? peer) => peer is { } known && (known.Id == _peerId || known.Name == _query.Peer);
}

/// <summary>Makes the rows that people and programs see.</summary>
internal static class PacketRows
{
    public static PacketRow Make(long number, in SeenPacket packet, byte[] data, DataPlane dataPlane) => new()
    {
        Number = number,
        At = dataPlane.ToUtc(packet.Record.Ticks),
        Tunnel = packet.Tunnel.Name,
        PeerId = packet.Peer?.Id,
        Peer = packet.Peer?.Name,
        Direction = packet.Record.Direction == TapDirection.ToPeer ? PacketDirections.ToPeer : PacketDirections.FromPeer,
        Verdict = packet.Record.Drop is { } reason ? DropReasons.Describe(reason) : PacketVerdicts.Passed,
        Summary = PacketSummary.Of(data, packet.Tunnel.IsEthernet),
        Layer = packet.Tunnel.IsEthernet ? Layers.Ethernet : Layers.Ip,
        Bytes = packet.Record.OriginalBytes,
        Data = data,
        OuterRemote = packet.Peer is { } peer ? dataPlane.GetPeer(packet.Tunnel.Id, peer.Id)?.Endpoint?.ToString() : null,
        OuterLocalPort = packet.Tunnel.ListenPort,
    };
}
