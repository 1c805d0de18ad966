using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Interfaces;

/// <summary>Kernel settings of the whole host: forwarding. And all settings back to what they were.</summary>
internal sealed class HostService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, KernelKeeper keeper)
{
    private static readonly (string Member, string Path)[] All = [("ipv4Forwarding", KernelPaths.Ipv4Forwarding), ("ipv6Forwarding", KernelPaths.Ipv6Forwarding)];

    public async Task<Outcome<(HostResponse Host, long Revision)>> GetAsync(CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = Of(await db.KernelSettings.AsNoTracking().ToListAsync(cancellationToken));
        return (new HostResponse([.. All.Select(s => SettingRows.Show(s.Member, s.Path, rows.Find(r => r.Path == s.Path), keeper))]), Revision(rows));
    }

    public async Task<Outcome<(HostResponse Host, long Revision)>> UpdateAsync(JsonBody<HostSettings> body, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<long>(Permission.Administer, async change =>
        {
            var rows = Of(await change.Db.KernelSettings.ToListAsync(cancellationToken));
            if (!ETags.Allows(ifMatch, Revision(rows))) return Failure.Changed(Revision(rows));
            var current = Read(rows);
            if (!body.MergeInto(current).Succeeded(out var wanted, out var malformed)) return malformed;
            var enforce = wanted.Enforce ?? false;
            if (wanted.Ipv6Forwarding is not null && keeper.Kernel.Read(KernelPaths.Ipv6Forwarding) is null)
                return Failure.Of(FailureKind.Rule, "ipv6Forwarding", "This host has no IPv6.", "Leave it out.");
            if (wanted.Ipv6Forwarding == true && await LearnedRoutes.KeepAsync(change, keeper, null, enforce, caller.Identity.Name, cancellationToken) is { } loses) return loses;
            SettingRows.Write(change, keeper, rows,
                [new(All[0].Member, All[0].Path, Number(wanted.Ipv4Forwarding)), new(All[1].Member, All[1].Path, Number(wanted.Ipv6Forwarding))], enforce, caller.Identity.Name, body.Has);
            change.Record("host.update", "host", current, Read(rows));
            return change.Revision;
        }, cancellationToken);
        if (!saved.Succeeded(out _, out var failure)) return failure;
        return await GetAsync(cancellationToken);
    }

    /// <summary>Gives every setting that is managed here the value that was found at first, and leaves all of them to others.</summary>
    public async Task<Outcome<(HostResponse Host, long Revision)>> RestoreAsync(CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<long>(Permission.Administer, async change =>
        {
            var originals = await KernelKeeper.OriginalsAsync(change.Db, cancellationToken);
            foreach (var row in await change.Db.KernelSettings.ToListAsync(cancellationToken))
            {
                change.Db.KernelSettings.Remove(row);
                change.Record("kernel.restore", Linux.Settings.KernelSettings.NameOf(row.Path), new { Value = row.Wanted }, new { Value = row.Original });
                change.AfterCommit(() => keeper.Forget(row.Path));
            }

            change.AfterCommit(() => originals.ForEach(row => SettingRows.PutBack(keeper, row)));
            return change.Revision;
        }, cancellationToken);
        if (!saved.Succeeded(out _, out var failure)) return failure;
        return await GetAsync(cancellationToken);
    }

    private static List<KernelSetting> Of(List<KernelSetting> rows) => [.. rows.Where(r => All.Any(s => s.Path == r.Path))];

    private static long Revision(List<KernelSetting> rows) => rows.Count == 0 ? 0 : rows.Max(r => r.Revision);

    private static HostSettings Read(List<KernelSetting> rows) => new()
    {
        Ipv4Forwarding = Switch(rows, KernelPaths.Ipv4Forwarding),
        Ipv6Forwarding = Switch(rows, KernelPaths.Ipv6Forwarding),
        Enforce = rows.Count > 0 && rows.All(r => r.Enforce),
    };

    private static bool? Switch(List<KernelSetting> rows, string path) => rows.Find(r => r.Path == path) is { } row ? row.Wanted > 0 : null;

    private static int? Number(bool? on) => on is null ? null : on.Value ? 1 : 0;
}

/// <summary>/api/v1/host.</summary>
internal static class HostEndpoints
{
    public static void MapHost(this RouteGroupBuilder api)
    {
        var host = api.MapGroup("/host").WithTags("Interfaces");
        host.MapGet("/", async Task<Results<Ok<HostResponse>, ProblemHttpResult>> (HostService service, HttpContext context, CancellationToken cancellationToken) =>
            Show(await service.GetAsync(cancellationToken), context)).WithName("GetHost").WithSummary("Shows the host's forwarding switches");
        host.MapPatch("/", async Task<Results<Ok<HostResponse>, ProblemHttpResult>> (
                JsonBody<HostSettings> body, [FromHeader(Name = "If-Match")] string? ifMatch, HostService service, HttpContext context, CancellationToken cancellationToken) =>
            Show(await service.UpdateAsync(body, ifMatch, cancellationToken), context)).WithName("UpdateHost").WithDryRun()
            .WithSummary("Switches forwarding; null puts back what was found (JSON merge patch)").Accepts<HostSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        host.MapPost("/restore", async Task<Results<Ok<HostResponse>, ProblemHttpResult>> (HostService service, HttpContext context, CancellationToken cancellationToken) =>
            Show(await service.RestoreAsync(cancellationToken), context)).WithName("RestoreHost").WithDryRun()
            .WithSummary("Puts back what was found of every kernel setting, and leaves all of them to others");
    }

    private static Results<Ok<HostResponse>, ProblemHttpResult> Show(Outcome<(HostResponse Host, long Revision)> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var found, out var failure)) return failure.ToProblem();
        ETags.Write(context, found.Revision);
        return TypedResults.Ok(found.Host);
    }
}
