using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Engine.Taps;
using Gateway.Features.Audit;
using Gateway.Features.Packets.Watching;
using Gateway.Hosting;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Packets.Capture;

/// <summary>How long a capture goes on: until both are reached or the caller leaves.</summary>
/// <param name="Packets">At most so many; null = no limit.</param>
/// <param name="Time">At most so long; null = no limit.</param>
internal sealed record CaptureLimits(int? Packets, TimeSpan? Time);

/// <summary>Captures over REST: who may see packets gets them as they pass, as pcapng or as JSON lines. Each is an audit entry.</summary>
internal sealed class CaptureService(Caller caller, PacketFeed feed, DataPlane dataPlane, AuditTrail audit, TimeProvider time, GatewayOptions options)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Arms the taps, or says why not.</summary>
    public async Task<Outcome<PacketWatcher>> OpenAsync(PacketsQuery query, string form, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.SeePackets) is { } denied) return denied;
        if (!feed.Open(query).Succeeded(out var watcher, out var failure)) return failure;
        if (form == Forms.PcapNg && watcher.Tunnels.Select(tunnel => tunnel.IsEthernet).Distinct().Count() > 1)
        {
            watcher.Dispose();
            return Failure.Of(FailureKind.Conflict, "tunnel", "There are tunnels of both layers, and readers of pcapng want one link type in a file.", "Name one tunnel.");
        }

        await audit.NoteAsync("packet.capture", query.Tunnel ?? "all tunnels", new { form, query.Filter, query.Peer, query.Verdict, payload = options.ShowPayload }, cancellationToken);
        return watcher;
    }

    /// <summary>Writes a file that never ends by itself; what lies in it is whole at any time.</summary>
    public async Task WritePcapNgAsync(PacketWatcher watcher, PipeWriter output, CaptureLimits limits, CancellationToken cancellationToken)
    {
        var writer = new PcapNgWriter(output, watcher.Buffer.Length);
        writer.Begin($"Gateway {Status.StatusService.Version}");
        var interfaces = new Dictionary<Guid, (int Number, long Taken)>();
        foreach (var tunnel in watcher.Tunnels) Describe(tunnel);
        var (lost, lostInAll) = (0L, 0L);
        await CaptureAsync(watcher, packet =>
        {
            if (!interfaces.ContainsKey(packet.Tunnel.Id)) Describe(packet.Tunnel);
            var (number, taken) = interfaces[packet.Tunnel.Id];
            interfaces[packet.Tunnel.Id] = (number, taken + 1);
            writer.AddPacket(
                number, dataPlane.ToUtc(packet.Record.Ticks), watcher.Buffer.AsSpan(0, packet.Visible), packet.Record.OriginalBytes,
                packet.Record.Direction == TapDirection.FromPeer, lost, Comment(packet));
            lost = 0;
        }, lostSince => (lost, lostInAll) = (lost + lostSince, lostInAll + lostSince), output, limits, cancellationToken);
        if (cancellationToken.IsCancellationRequested) return;
        foreach (var (number, taken) in interfaces.Values) writer.AddStatistics(number, time.GetUtcNow(), taken, number == 0 ? lostInAll : 0);
        await output.FlushAsync(CancellationToken.None);

        void Describe(WatchedTunnel tunnel) =>
            interfaces[tunnel.Id] = (writer.AddInterface(tunnel.IsEthernet ? PcapNgWriter.Ethernet : PcapNgWriter.RawIp, tunnel.Name, "inside the tunnel, decrypted"), 0);
    }

    /// <summary>Writes a <see cref="PacketRow"/> a line; a line <c>{"skipped":N}</c> where packets are missing.</summary>
    public async Task WriteLinesAsync(PacketWatcher watcher, PipeWriter output, CaptureLimits limits, CancellationToken cancellationToken)
    {
        var number = 0L;
        using var json = new Utf8JsonWriter(output);
        await CaptureAsync(watcher, packet => WriteLine(PacketRows.Make(++number, packet, watcher.Data(packet), dataPlane)), lost =>
        {
            if (lost > 0) WriteLine(new SkippedLine(lost));
        }, output, limits, cancellationToken);

        void WriteLine<T>(T line)
        {
            JsonSerializer.Serialize(json, line, Json);
            json.Flush();
            json.Reset();
            output.Write("\n"u8);
        }
    }

    private async Task CaptureAsync(PacketWatcher watcher, Action<SeenPacket> take, Action<long> lost, PipeWriter output, CaptureLimits limits, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var taken = 0;
        // What is there so far reaches the reader before the first packet does.
        await output.FlushAsync(cancellationToken);
        await feed.CaptureAsync(
            watcher,
            packet =>
            {
                if (taken == limits.Packets) return;
                taken++;
                take(packet);
            },
            async lostSince =>
            {
                lost(lostSince);
                if (output.UnflushedBytes > 0 && (await output.FlushAsync(cancellationToken)).IsCompleted) return false;
                return taken != limits.Packets && !(time.GetElapsedTime(started) >= limits.Time) && caller.May(Permission.SeePackets);
            },
            cancellationToken);
    }

    private static string Comment(in SeenPacket packet) =>
        $"peer {packet.Peer?.Name ?? "unknown"}, {(packet.Record.Direction == TapDirection.FromPeer ? "from it" : "to it")}, "
        + (packet.Record.Drop is { } reason ? $"dropped: {DropReasons.Describe(reason)}" : "passed");

    private sealed record SkippedLine(long Skipped);
}

/// <summary>What a capture is written as.</summary>
internal static class Forms
{
    public const string PcapNg = "pcapng";
    public const string Lines = "lines";
}
