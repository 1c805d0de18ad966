using System.Globalization;
using System.IO.Compression;
using System.Text;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Audit;
using Gateway.Features.Peers;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Transfer;

/// <summary>Writes tunnels as wg-quick files: the server's, and one for each client. They can be used without a gateway, and imported again.</summary>
internal sealed class ExportService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, PeerConfigFile configs, SecretVault vault, AuditTrail audit, TimeProvider time)
{
    /// <summary>A zip: TUNNEL.conf, and TUNNEL/PEER.conf for each peer.</summary>
    /// <param name="tunnel">One tunnel's name; null = all WireGuard tunnels.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<Outcome<byte[]>> ExportAsync(string? tunnel, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (caller.Lacks(Permission.ReadConfigs) is { } closed) return closed;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Tunnels.AsNoTracking().Include(t => t.Peers).ThenInclude(p => p.Prefixes).AsSplitQuery()
            .Where(t => (tunnel == null || t.Name == tunnel) && t.Transport == Transports.WireGuard).OrderBy(t => t.Name).ToListAsync(cancellationToken);
        if (tunnel is not null && rows.Count == 0) return Failure.NotFound("WireGuard tunnel", tunnel);
        using var memory = new MemoryStream();
        await using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var row in rows)
            {
                await AddAsync(zip, $"{row.Name}.conf", WriteServer(row));
                var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
                foreach (var peer in row.Peers.OrderBy(p => p.Name, StringComparer.Ordinal))
                {
                    peer.Tunnel = row;
                    var name = PeerConfigFile.FileName(peer.Name);
                    for (var i = 2; !names.Add(name); i++) name = string.Create(CultureInfo.InvariantCulture, $"{PeerConfigFile.FileName(peer.Name)[..Math.Min(12, PeerConfigFile.FileName(peer.Name).Length)]}-{i}");
                    await AddAsync(zip, $"{row.Name}/{name}.conf", configs.Write(peer));
                }
            }
        }

        await audit.NoteAsync("config.export", tunnel ?? "all tunnels", new { Tunnels = rows.Count, Peers = rows.Sum(r => r.Peers.Count) }, cancellationToken);
        return memory.ToArray();
    }

    private async Task AddAsync(ZipArchive zip, string name, string text)
    {
        var entry = zip.CreateEntry(name);
        entry.LastWriteTime = time.GetUtcNow();
        entry.ExternalAttributes = unchecked((int)0x81800000); // a regular file with mode 0600, in the upper half
        await using var stream = await entry.OpenAsync();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text));
    }

    private string WriteServer(Tunnel row)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"[Interface]\nPrivateKey = {vault.UnprotectPrivateKey(row.ProtectedPrivateKey!).ToBase64()}\n");
        if (row.ListenPort > 0) text.Append(CultureInfo.InvariantCulture, $"ListenPort = {row.ListenPort}\n");
        text.Append(CultureInfo.InvariantCulture, $"Address = {string.Join(", ", row.Addresses)}\nMTU = {row.Mtu}\n");
        foreach (var peer in row.Peers.OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            var expired = peer.ExpiresAt <= time.GetUtcNow().UtcTicks;
            text.Append(CultureInfo.InvariantCulture, $"\n# Client: {peer.Name}\n");
            if (!peer.Enabled || expired)
            {
                text.Append("# It is not let in, so its section is left out.\n");
                continue;
            }

            text.Append(CultureInfo.InvariantCulture, $"[Peer]\nPublicKey = {peer.PublicKey}\n");
            if (peer.ProtectedPresharedKey is not null) text.Append(CultureInfo.InvariantCulture, $"PresharedKey = {vault.UnprotectPresharedKey(peer.ProtectedPresharedKey).ToBase64()}\n");
            text.Append(CultureInfo.InvariantCulture, $"AllowedIPs = {string.Join(", ", peer.Prefixes.Where(p => p.Kind != PrefixKind.Client).OrderBy(p => p.Kind).ThenBy(p => p.Prefix, StringComparer.Ordinal).Select(p => p.Prefix))}\n");
            if (peer.Endpoint is not null) text.Append(CultureInfo.InvariantCulture, $"Endpoint = {peer.Endpoint}\n");
            if (peer.KeepaliveSeconds > 0 && peer.Endpoint is not null) text.Append(CultureInfo.InvariantCulture, $"PersistentKeepalive = {peer.KeepaliveSeconds}\n");
        }

        return text.ToString();
    }
}
