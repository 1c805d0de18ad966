using System.Globalization;
using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Features.Peers;
using Gateway.Features.Routes;
using Gateway.Features.Tunnels;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Transfer;

/// <summary>
/// Takes wg-quick files over, all of them or none: those of servers become tunnels with their peers; those of clients give their peers the private
/// key, the name and what they may reach. What is there already, by its key, stays as it is.
/// </summary>
internal sealed class ImportService(Caller caller, Changes changes, TunnelService tunnels, PeerService peers, RouteService routes, SecretVault vault, ICryptoPrimitives crypto)
{
    private const int MaxFiles = 5_000;

    /// <param name="request">The files.</param>
    /// <param name="preview">Whether nothing is to be saved.</param>
    /// <param name="cancellationToken">Ends the wait for the database.</param>
    public async Task<Outcome<ImportResponse>> ImportAsync(ImportRequest request, bool preview, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        var errors = new List<FieldError>();
        var files = Parse(request, errors);
        if (request.Endpoint is not null && !Addresses.TryReadEndpoint(request.Endpoint, out _, out var problem))
            errors.Add(new FieldError("endpoint", problem, "It is host:port, such as 203.0.113.5:51820 or vpn.example.org:51820."));
        if (errors.Count > 0) return Failure.Of(FailureKind.Rule, errors);
        changes.DryRun = preview;
        var skipped = new List<string>();
        var ignored = new List<IgnoredLine>();
        IReadOnlyList<PlannedChange> made = [];
        var saved = await changes.SaveAsync<bool>(Permission.Administer, async change =>
        {
            var clients = files.Where(f => f.IsClient).ToDictionary(f => f.PublicKey, f => f);
            foreach (var server in files.Where(f => !f.IsClient))
                await TakeServerAsync(change, server, clients, request.Endpoint, skipped, ignored, errors, cancellationToken);
            foreach (var client in clients.Values) await TakeClientAsync(change, client, skipped, ignored, errors, cancellationToken);
            made = [.. change.Recorded];
            return errors.Count > 0 ? Failure.Of(FailureKind.Conflict, errors) : true;
        }, cancellationToken);
        return saved.Succeeded(out _, out var failure)
            ? new ImportResponse { Preview = preview, Changes = made, Skipped = skipped, Ignored = ignored } : failure;
    }

    private List<Source> Parse(ImportRequest request, List<FieldError> errors)
    {
        var sources = new List<Source>();
        var files = request.Files ?? [];
        if (files.Count is 0 or > MaxFiles) errors.Add(new FieldError("files", files.Count == 0 ? "There is none." : $"{files.Count} are too many.", $"Send 1 to {MaxFiles} files, each with name and text."));
        for (var i = 0; i < Math.Min(files.Count, MaxFiles); i++)
        {
            var name = files[i].Name ?? "";
            if (ImportNames.OfFile(name).Length == 0) errors.Add(new FieldError($"files[{i}].name", "It is missing.", "It is a file's name, such as wg0.conf."));
            else if (DisabledSections.Open(files[i].Text ?? "") is var (text, disabled) && !WgQuickFile.TryParse(text, out var file, out var mistakes))
                errors.AddRange(mistakes.Select(m => new FieldError($"files[{i}].text", $"{name}, line {m.Line}: {m.Message}", "Correct that line.")));
            else
            {
                var source = new Source(i, name, file, file.PrivateKey.GetPublicKey(crypto).ToString(), disabled);
                if (sources.Find(s => s.PublicKey == source.PublicKey) is { } twin)
                    errors.Add(new FieldError($"files[{i}]", $"{name} has the same key as {twin.Name}.", "Send each end once."));
                sources.Add(source);
            }
        }

        return sources;
    }

    private async Task TakeServerAsync(
        Change change, Source server, Dictionary<string, Source> clients, string? endpoint, List<string> skipped, List<IgnoredLine> ignored, List<FieldError> errors, CancellationToken cancellationToken)
    {
        var name = ImportNames.OfFile(server.Name);
        var file = server.File;
        var own = clients.Values.Where(c => c.File.Peers[0].PublicKey.ToString() == server.PublicKey).ToList();
        var row = await change.Db.Tunnels.SingleOrDefaultAsync(t => t.PublicKey == server.PublicKey, cancellationToken);
        if (row is not null) skipped.Add($"tunnel {row.Name} ({server.Name})");
        else
        {
            var withDns = own.Find(c => c.File.DnsServers.Length + c.File.DnsSearch.Length > 0)?.File;
            var added = await tunnels.AddAsync(change, new TunnelSettings
            {
                Name = name,
                ListenPort = file.ListenPort,
                Addresses = [.. file.Addresses.Select(a => a.ToString())],
                Mtu = file.Mtu ?? own.Select(c => c.File.Mtu).FirstOrDefault(m => m is not null),
                Endpoint = endpoint ?? own.Select(c => c.File.Peers[0].Endpoint?.ToString()).FirstOrDefault(),
                DnsServers = withDns is null ? null : [.. withDns.DnsServers.Select(d => d.ToString())],
                SearchDomains = withDns is null ? null : [.. withDns.DnsSearch],
            }, file.PrivateKey, cancellationToken);
            if (!Keep(added, server, name, errors)) return;
            row = added.Value!;
            await change.Db.SaveChangesAsync(cancellationToken);
        }

        ignored.AddRange(ImportHints.Of(server.Name, row.Name, file));
        foreach (var peer in file.Peers)
        {
            var key = peer.PublicKey.ToString();
            clients.TryGetValue(key, out var client);
            if (await change.Db.Peers.AnyAsync(p => p.TunnelId == row.Id && p.PublicKey == key, cancellationToken))
            {
                if (client is null) skipped.Add($"peer {key} of tunnel {row.Name}");
                continue;
            }

            var inside = Networks(row);
            var wanted = new PeerSettings
            {
                Name = await FreeNameAsync(change, row, ImportNames.Find(peer.Comments) ?? (client is null ? $"peer-{peer.Line}" : NameOf(client)), cancellationToken),
                PublicKey = key,
                PresharedKey = peer.PresharedKey?.ToBase64(),
                Addresses = [.. peer.AllowedIps.Where(p => inside.Any(n => Holds(n, p))).Select(p => p.ToString())],
                Endpoint = peer.Endpoint?.ToString(),
                KeepaliveSeconds = (int)(client?.File.Peers[0].PersistentKeepalive ?? peer.PersistentKeepalive).TotalSeconds,
                Enabled = !server.DisabledLines.Contains(peer.Line),
            };
            if (wanted.Enabled == false) ignored.Add(new IgnoredLine(server.Name, peer.Line, $"peer {wanted.Name}", "It is switched off in the file, and so it is here: enable it to let it in."));
            await AddPeerAsync(change, row, wanted, client, peer.AllowedIps.Where(p => !inside.Any(n => Holds(n, p))), server, errors, cancellationToken);
            if (client is null)
            {
                ignored.Add(new IgnoredLine(server.Name, peer.Line, $"peer {wanted.Name}",
                    "What it may reach beyond the tunnel stands in its client's file: import that as well, or give it client routes. Until then it reaches the tunnel's own prefixes."));
            }
        }
    }

    // A client whose peer came with its server's file is done; what is left are clients of tunnels that were here before, and peers that lack their private key.
    private async Task TakeClientAsync(Change change, Source client, List<string> skipped, List<IgnoredLine> ignored, List<FieldError> errors, CancellationToken cancellationToken)
    {
        var serverKey = client.File.Peers[0].PublicKey.ToString();
        if (await change.Db.Tunnels.SingleOrDefaultAsync(t => t.PublicKey == serverKey, cancellationToken) is not { } tunnel)
        {
            // Without its server there is nothing to judge it by; an error of the server's own file was told already.
            if (errors.Count == 0)
                errors.Add(new FieldError($"files[{client.Index}]", $"{client.Name} connects to a server whose key no tunnel here has ({serverKey}).", "Import the server's file along with it."));
            return;
        }

        ignored.AddRange(ImportHints.Of(client.Name, tunnel.Name, client.File));
        var row = await change.Db.Peers.Include(p => p.Prefixes).SingleOrDefaultAsync(p => p.TunnelId == tunnel.Id && p.PublicKey == client.PublicKey, cancellationToken);
        if (row is null)
        {
            var wanted = new PeerSettings
            {
                Name = await FreeNameAsync(change, tunnel, NameOf(client), cancellationToken),
                PublicKey = client.PublicKey,
                PresharedKey = client.File.Peers[0].PresharedKey?.ToBase64(),
                Addresses = [.. client.File.Addresses.Select(a => $"{a.Address}/{Addresses.MaxLength(a.Address)}")],
                KeepaliveSeconds = (int)client.File.Peers[0].PersistentKeepalive.TotalSeconds,
            };
            await AddPeerAsync(change, tunnel, wanted, client, [], client, errors, cancellationToken);
            return;
        }

        if (row.Revision == change.Revision) return;
        if (row.ProtectedPrivateKey is not null)
        {
            skipped.Add($"peer {row.Name} of tunnel {tunnel.Name} ({client.Name})");
            return;
        }

        row.Tunnel = tunnel;
        row.ProtectedPrivateKey = vault.Protect(client.File.PrivateKey);
        row.Revision = change.Revision;
        change.Record("peer.update", row.Name, new { HasPrivateKey = false }, new { HasPrivateKey = true });
        change.Touch(tunnel.Id, row.Id);
        await AddClientRoutesAsync(change, row, client, errors, cancellationToken);
    }

    private async Task AddPeerAsync(
        Change change, Tunnel tunnel, PeerSettings wanted, Source? client, IEnumerable<IPNetwork> behind, Source told, List<FieldError> errors, CancellationToken cancellationToken)
    {
        var added = await peers.AddAsync(change, tunnel, wanted, client?.File.PrivateKey, cancellationToken);
        if (!Keep(added, told, $"peer {wanted.Name}", errors)) return;
        await change.Db.SaveChangesAsync(cancellationToken);
        foreach (var prefix in behind)
            Keep(await routes.AddAsync(change, added.Value!, new RouteSettings { Prefix = prefix.ToString(), InstallOn = InstallOn.Gateway }, cancellationToken), told, $"peer {wanted.Name}", errors);
        if (client is not null) await AddClientRoutesAsync(change, added.Value!, client, errors, cancellationToken);
        await change.Db.SaveChangesAsync(cancellationToken);
    }

    private async Task AddClientRoutesAsync(Change change, Peer peer, Source client, List<FieldError> errors, CancellationToken cancellationToken)
    {
        var inside = Networks(peer.Tunnel!);
        foreach (var prefix in client.File.Peers[0].AllowedIps.Where(p => !inside.Any(n => Holds(n, p)) && !peer.Prefixes.Any(r => r.Kind == PrefixKind.Client && r.Prefix == p.ToString())))
        {
            // The client sends it here already: that is the yes.
            Keep(await routes.AddAsync(change, peer, new RouteSettings { Prefix = prefix.ToString(), InstallOn = InstallOn.Client, Confirm = true }, cancellationToken), client, $"peer {peer.Name}", errors);
        }
    }

    private static bool Keep<T>(Outcome<T> outcome, Source file, string what, List<FieldError> errors)
    {
        if (outcome.Failure is not { } failure) return true;
        errors.AddRange(failure.Errors.Select(e => new FieldError($"files[{file.Index}]", $"{file.Name}, {what}, {e.Field}: {e.Detail}", e.Expected)));
        return false;
    }

    private static async Task<string> FreeNameAsync(Change change, Tunnel tunnel, string name, CancellationToken cancellationToken)
    {
        var free = name;
        for (var i = 2; await change.Db.Peers.AnyAsync(p => p.TunnelId == tunnel.Id && p.Name == free, cancellationToken); i++) free = string.Create(CultureInfo.InvariantCulture, $"{name}-{i}");
        return free;
    }

    private static string NameOf(Source client) => ImportNames.Find(client.File.Comments) ?? ImportNames.OfFile(client.Name);

    private static List<IPNetwork> Networks(Tunnel row) => [.. row.Addresses.Select(a => Addresses.TryReadInterface(a, out var address, out _) ? address.Network : default)];

    private static bool Holds(IPNetwork outer, IPNetwork inner) =>
        outer.BaseAddress.AddressFamily == inner.BaseAddress.AddressFamily && outer.PrefixLength <= inner.PrefixLength && outer.Contains(inner.BaseAddress);

    /// <summary>A file that was read. A client has one peer, which it dials, and no port that others dial.</summary>
    private sealed record Source(int Index, string Name, WgQuickFile File, string PublicKey, IReadOnlySet<int> DisabledLines)
    {
        public bool IsClient => File.Peers is [{ Endpoint: not null }] && File.ListenPort == 0;
    }
}
