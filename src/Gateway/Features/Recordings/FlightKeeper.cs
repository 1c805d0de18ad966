using System.IO.Compression;
using System.Text.Json;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Packets;
using Gateway.Engine.Recorder;
using Gateway.Engine.Taps;
using Gateway.Features.Events;
using Gateway.Features.Packets.Reading;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Recordings;

/// <summary>
/// Freezes what the flight recorder holds of a peer when something is raised about it: headers only, whatever may be seen elsewhere. The newest
/// <see cref="MaxKept"/> are kept.
/// </summary>
internal sealed class FlightKeeper(DataPlane dataPlane, WriteGate gate, TimeProvider time)
{
    public const int MaxKept = 500;

    /// <summary>What an event's evidence calls the number of its recording.</summary>
    public const string EvidenceName = "recording";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    /// <summary>Freezes the peer's packets for an event that is about to be raised. Its number; null where there were none.</summary>
    public async Task<long?> FreezeAsync(TunnelStatus tunnel, GatewayEvent happened, CancellationToken cancellationToken)
    {
        if (happened is not { PeerId: { } peerId, Peer: { } peer }) return null;
        var packets = dataPlane.GetLastPackets(tunnel.Id, peerId);
        if (packets.IsEmpty) return null;
        var status = dataPlane.GetPeer(tunnel.Id, peerId);
        var isEthernet = dataPlane.IsEthernet(tunnel.Id);
        var rows = packets.Select((packet, i) => ToRow(i + 1, packet, tunnel, isEthernet, peerId, peer, status?.Endpoint?.ToString())).ToList();
        var entry = new RecordingEntry
        {
            At = time.GetUtcNow().UtcTicks,
            Tunnel = tunnel.Name,
            PeerId = peerId,
            Peer = peer,
            Kind = happened.Kind,
            Text = happened.Text,
            Count = rows.Count,
            Packets = Pack(rows),
        };
        await gate.NoteAsync(async db =>
        {
            db.Recordings.Add(entry);
            await db.SaveChangesAsync(cancellationToken);
            await db.Recordings.Where(r => r.Id <= entry.Id - MaxKept).ExecuteDeleteAsync(cancellationToken);
        }, cancellationToken);
        return entry.Id;
    }

    /// <summary>The packets of a recording as it was kept.</summary>
    public static IReadOnlyList<PacketRow> Unpack(byte[] packed)
    {
        using var unzipped = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        return JsonSerializer.Deserialize<List<PacketRow>>(unzipped, s_json) ?? [];
    }

    private static byte[] Pack(List<PacketRow> rows)
    {
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest)) JsonSerializer.Serialize(zip, rows, s_json);
        return packed.ToArray();
    }

    private PacketRow ToRow(int number, RecordedPacket packet, TunnelStatus tunnel, bool isEthernet, Guid peerId, string peer, string? endpoint)
    {
        var data = packet.Data[..Math.Min(packet.Data.Length, PacketHeaders.Length(packet.Data, isEthernet))];
        return new PacketRow
        {
            Number = number,
            At = dataPlane.ToUtc(packet.Ticks),
            Tunnel = tunnel.Name,
            PeerId = peerId,
            Peer = peer,
            Direction = packet.Direction == TapDirection.ToPeer ? PacketDirections.ToPeer : PacketDirections.FromPeer,
            Verdict = packet.Drop is { } reason ? DropReasons.Describe(reason) : PacketVerdicts.Passed,
            Summary = PacketSummary.Of(data, isEthernet),
            Layer = isEthernet ? Layers.Ethernet : Layers.Ip,
            Bytes = packet.OriginalBytes,
            Together = packet.Packets,
            Data = data,
            OuterRemote = endpoint,
            OuterLocalPort = tunnel.ListenPort,
        };
    }
}
