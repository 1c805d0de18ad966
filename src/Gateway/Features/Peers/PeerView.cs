using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;

namespace Gateway.Features.Peers;

/// <summary>A peer as callers see it: the row and what the engine knows. No secret comes through here.</summary>
internal sealed class PeerView(DataPlane dataPlane, PeerConfigFile configs, TimeProvider time)
{
    /// <summary>Shows any number of rows, each with one look at the engine.</summary>
    public Func<Peer, PeerResponse> Show()
    {
        var now = time.GetUtcNow();
        return row => Show(row, dataPlane.GetPeer(row.TunnelId, row.Id), now);
    }

    /// <summary>IPv4 first, each family in the order of writing.</summary>
    public static List<string> Addresses(Peer row) => [.. row.Prefixes.Where(p => p.Kind == PrefixKind.Address)
        .Select(p => p.Prefix).OrderBy(p => p.Contains(':', StringComparison.Ordinal)).ThenBy(p => p, StringComparer.Ordinal)];

    /// <summary>In the order of the alphabet.</summary>
    public static List<string> Tags(Peer row) => PeerRules.Tags(row.Tags.Select(t => t.Tag));

    private PeerResponse Show(Peer row, PeerStatus? live, DateTimeOffset now) => new()
    {
        Id = row.Id,
        Tunnel = row.Tunnel!.Name,
        Name = row.Name,
        PublicKey = row.PublicKey,
        HasPresharedKey = row.ProtectedPresharedKey is not null,
        HasPrivateKey = row.ProtectedPrivateKey is not null,
        Addresses = Addresses(row),
        Endpoint = row.Endpoint,
        LastEndpoint = live?.Endpoint?.ToString() ?? row.LastEndpoint,
        KeepaliveSeconds = row.KeepaliveSeconds,
        ExpiresAt = Time(row.ExpiresAt),
        DropKeyAfterDownload = row.DropKeyAfterDownload,
        PreviousPublicKey = row.PreviousKeyUntil > now.UtcTicks ? row.PreviousPublicKey : null,
        PreviousKeyUntil = row.PreviousKeyUntil > now.UtcTicks ? Time(row.PreviousKeyUntil) : null,
        ConfigDownloadedAt = Time(row.DownloadedAt),
        ConfigChanged = row.DownloadedConfig is not null && !row.DownloadedConfig.AsSpan().SequenceEqual(configs.Fingerprint(row)),
        Enabled = row.Enabled,
        Tags = Tags(row),
        Notes = row.Notes,
        State = LiveStatus.State(live, now),
        LastHandshake = live?.LastHandshake,
        LastReceived = live?.LastReceived,
        LastSent = live?.LastSent,
        ReceivedBytes = live?.ReceivedBytes ?? 0,
        SentBytes = live?.SentBytes ?? 0,
        ReceivedPackets = live?.ReceivedPackets ?? 0,
        SentPackets = live?.SentPackets ?? 0,
        Drops = LiveStatus.Drops(live?.Drops),
        Warning = row.Tunnel.Transport == Transports.Plain ? LiveStatus.PlainWarning : null,
        CreatedAt = new DateTimeOffset(row.CreatedAt, TimeSpan.Zero),
        Revision = row.Revision,
    };

    private static DateTimeOffset? Time(long? ticks) => ticks is { } known ? new DateTimeOffset(known, TimeSpan.Zero) : null;
}
