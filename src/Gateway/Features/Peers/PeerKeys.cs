using System.Security.Cryptography;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>New keys for peers. The key in use goes on working until the new one has made a session, or the grace time is over.</summary>
internal sealed class PeerKeys(Changes changes, PeerView view, SecretVault vault, ICryptoPrimitives crypto)
{
    private const int DefaultGraceSeconds = 7 * 86_400;
    private const int MaxGraceSeconds = 30 * 86_400;

    public async Task<Outcome<PeerResponse>> RotateAsync(Guid id, RotateKeysRequest request, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<Peer>(Permission.ChangePeers, async change =>
        {
            if (await PeerQueries.WithAll(change.Db.Peers).SingleOrDefaultAsync(p => p.Id == id, cancellationToken) is not { } row) return PeerService.NotFound(id);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            if (row.Tunnel!.Transport == Transports.Plain)
                return Failure.Of(FailureKind.Conflict, "id", $"Tunnel '{row.Tunnel.Name}' is plain and has no keys.", "There is nothing to rotate.");
            if (await CheckAsync(change.Db, row, request, cancellationToken) is { } broken) return broken;
            var before = Read(row);
            KeepPrevious(row, request.GraceSeconds ?? DefaultGraceSeconds, change.Now);
            SetKeys(row, request);
            row.Revision = change.Revision;
            change.Record("peer.rotate-keys", row.Name, before, Read(row));
            change.Touch(row.TunnelId, row.Id);
            return row;
        }, cancellationToken);
        return saved.Succeeded(out var peer, out var failure) ? view.Show()(peer) : failure;
    }

    /// <summary>The new key has made a session: the one before is forgotten for good.</summary>
    public async Task ForgetPreviousAsync(Guid id, CancellationToken cancellationToken) =>
        await changes.SaveAsync<bool>(Permission.ChangePeers, async change =>
        {
            var row = await change.Db.Peers.SingleOrDefaultAsync(p => p.Id == id && p.PreviousPublicKey != null, cancellationToken);
            if (row is null) return PeerService.NotFound(id);
            var before = Read(row);
            row.ForgetPreviousKey();
            row.Revision = change.Revision;
            change.Record("peer.key-replaced", row.Name, before, Read(row));
            change.Touch(row.TunnelId, row.Id);
            return true;
        }, cancellationToken);

    private static async Task<Failure?> CheckAsync(GatewayDbContext db, Peer row, RotateKeysRequest request, CancellationToken cancellationToken)
    {
        var errors = new RuleErrors();
        if (request.GraceSeconds is < 0 or > MaxGraceSeconds)
            errors.Add("graceSeconds", $"{request.GraceSeconds} is out of range.", $"It is 0 to {MaxGraceSeconds}; left out, {DefaultGraceSeconds}, which is a week.");
        PeerRules.CheckKeys(request.PublicKey, request.PresharedKey, row.Tunnel!, errors);
        if (errors.Any) return errors.ToFailure();
        if (request.PublicKey is null) return null;
        if (request.PublicKey == row.PublicKey || request.PublicKey == row.PreviousPublicKey)
            return Failure.Of(FailureKind.Conflict, "publicKey", $"Peer '{row.Name}' has it already.", "Give a new one.");
        return await Ownership.FindKeyAsync(db, row.TunnelId, row.Id, request.PublicKey, cancellationToken) is { } other
            ? Failure.Of(FailureKind.Conflict, "publicKey", $"It is the key of peer '{other}' already.", "Each peer of a tunnel has its own key.") : null;
    }

    // A new key that was never used is replaced; the one that the peer has stays the one before.
    private static void KeepPrevious(Peer row, int graceSeconds, DateTimeOffset now)
    {
        if (graceSeconds == 0)
        {
            row.ForgetPreviousKey();
            return;
        }

        if (!(row.PreviousKeyUntil > now.UtcTicks)) (row.PreviousPublicKey, row.ProtectedPreviousPresharedKey) = (row.PublicKey, row.ProtectedPresharedKey);
        row.PreviousKeyUntil = now.AddSeconds(graceSeconds).UtcTicks;
    }

    private void SetKeys(Peer row, RotateKeysRequest request)
    {
        using var random = RandomNumberGenerator.Create();
        if (request.PublicKey is not null)
        {
            row.PublicKey = request.PublicKey;
            row.ProtectedPrivateKey = null;
        }
        else
        {
            var key = PrivateKey.Generate(random);
            row.PublicKey = key.GetPublicKey(crypto).ToString();
            row.ProtectedPrivateKey = vault.Protect(key);
            row.ProtectedPresharedKey = vault.Protect(PresharedKey.Generate(random));
        }

        if (PresharedKey.TryParse(request.PresharedKey, out var given)) row.ProtectedPresharedKey = vault.Protect(given);
    }

    private static object Read(Peer row) => new
    {
        row.PublicKey,
        row.PreviousPublicKey,
        PreviousKeyUntil = row.PreviousKeyUntil is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : (DateTimeOffset?)null,
    };
}
