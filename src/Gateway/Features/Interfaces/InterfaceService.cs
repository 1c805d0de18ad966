using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Interfaces;

/// <summary>Kernel devices and their settings.</summary>
internal sealed class InterfaceService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, KernelKeeper keeper)
{
    private static readonly string[] Modes = [RpFilters.Off, RpFilters.Strict, RpFilters.Loose];

    public async Task<Outcome<Page<InterfaceResponse>>> ListAsync(int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.Read(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.KernelSettings.AsNoTracking().ToListAsync(cancellationToken);
        var names = keeper.Kernel.ReadDevices().Union(rows.Select(r => KernelPaths.Device(r.Path)).OfType<string>(), StringComparer.Ordinal)
            .Where(n => string.CompareOrdinal(n, page.After ?? "") > 0).Order(StringComparer.Ordinal).Take(page.Limit + 1).ToList();
        return Cursors.ToPage(names, page.Limit, name => Show(name, Of(rows, name)), name => name);
    }

    public async Task<Outcome<(InterfaceResponse Interface, long Revision)>> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = Of(await db.KernelSettings.AsNoTracking().ToListAsync(cancellationToken), name);
        return rows.Count == 0 && !Exists(name) ? NotFound(name) : (Show(name, rows), Revision(rows));
    }

    public async Task<Outcome<(InterfaceResponse Interface, long Revision)>> UpdateAsync(
        string name, JsonBody<InterfaceSettings> body, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<long>(Permission.Administer, async change =>
        {
            var rows = Of(await change.Db.KernelSettings.ToListAsync(cancellationToken), name);
            if (rows.Count == 0 && !Exists(name)) return NotFound(name);
            if (!ETags.Allows(ifMatch, Revision(rows))) return Failure.Changed(Revision(rows));
            var current = Read(name, rows);
            if (!body.MergeInto(current).Succeeded(out var wanted, out var malformed)) return malformed;
            var errors = new RuleErrors();
            Check(name, wanted, errors);
            if (errors.Any) return errors.ToFailure();
            var enforce = wanted.Enforce ?? false;
            if (wanted.Ipv6Forwarding == true && await LearnedRoutes.KeepAsync(change, keeper, name, enforce, caller.Identity.Name, cancellationToken) is { } loses) return loses;
            rows = Of([.. change.Db.KernelSettings.Local], name);
            // What was added just now on account of the route is not taken back by this document, which did not know it.
            if (wanted.AcceptRa is null && current.AcceptRa is null && rows.Find(r => r.Path == KernelPaths.AcceptRa(name)) is { } kept) wanted = wanted with { AcceptRa = kept.Wanted };
            SettingRows.Write(change, keeper, rows, Wanted(name, wanted), enforce, caller.Identity.Name, body.Has);
            change.Record("interface.update", name, current, Read(name, rows));
            return change.Revision;
        }, cancellationToken);
        if (!saved.Succeeded(out _, out var failure)) return failure;
        return await GetAsync(name, cancellationToken);
    }

    private static IEnumerable<WantedSetting> Wanted(string name, InterfaceSettings wanted)
    {
        // The first that goes on needs the second, so that is set first.
        yield return new("acceptRa", KernelPaths.AcceptRa(name), wanted.AcceptRa);
        yield return new("rpFilter", KernelPaths.RpFilter(name), wanted.RpFilter is null ? null : Array.IndexOf(Modes, wanted.RpFilter));
        yield return new("srcValidMark", KernelPaths.SrcValidMark(name), Number(wanted.SrcValidMark));
        // That of "all" is the host's switch.
        if (name != "all") yield return new("ipv6Forwarding", KernelPaths.Forwarding(name), Number(wanted.Ipv6Forwarding));
    }

    private static InterfaceSettings Read(string name, List<KernelSetting> rows)
    {
        int? Of(string path) => rows.Find(r => r.Path == path)?.Wanted;
        return new InterfaceSettings
        {
            RpFilter = Word(Of(KernelPaths.RpFilter(name))),
            Ipv6Forwarding = name == "all" ? null : Switch(Of(KernelPaths.Forwarding(name))),
            AcceptRa = Of(KernelPaths.AcceptRa(name)),
            SrcValidMark = Switch(Of(KernelPaths.SrcValidMark(name))),
            Enforce = rows.Count > 0 && rows.All(r => r.Enforce),
        };
    }

    private void Check(string name, InterfaceSettings wanted, RuleErrors errors)
    {
        if (wanted.RpFilter is not null && !Modes.Contains(wanted.RpFilter))
            errors.Add("rpFilter", $"'{wanted.RpFilter}' is not known.", "It is off, strict or loose, or null to leave it to others.");
        if (wanted.AcceptRa is < 0 or > 2) errors.Add("acceptRa", $"{wanted.AcceptRa} is not known.", "It is 0, 1 or 2, or null to leave it to others.");
        if (name == "all" && wanted.Ipv6Forwarding is not null)
            errors.Add("ipv6Forwarding", "That of all devices is the host's.", "PATCH /api/v1/host sets it.");
        if (!Exists(name)) return;
        foreach (var setting in Wanted(name, wanted).Where(s => s.Wanted is >= 0 && keeper.Kernel.Read(s.Path) is null))
            errors.Add(setting.Member, $"{name} has no such setting here.", "Leave it out: the kernel has it only where the device speaks that protocol.");
    }

    private bool Exists(string name) => keeper.Kernel.ReadDevices().Contains(name, StringComparer.Ordinal);

    private static List<KernelSetting> Of(List<KernelSetting> rows, string name) => [.. rows.Where(r => KernelPaths.Device(r.Path) == name)];

    private static long Revision(List<KernelSetting> rows) => rows.Count == 0 ? 0 : rows.Max(r => r.Revision);

    private static Failure NotFound(string name) => new(FailureKind.NotFound,
        $"There is no interface '{name}'. GET /api/v1/interfaces lists them.", []);

    private InterfaceResponse Show(string name, List<KernelSetting> rows)
    {
        var settings = Wanted(name, new InterfaceSettings()).Select(s => SettingRows.Show(s.Member, s.Path, rows.Find(r => r.Path == s.Path), keeper)).OrderBy(s => s.Name != "rpFilter").ToList();
        var own = settings[0];
        return new InterfaceResponse
        {
            Name = name,
            RpFilter = Word(own.Value),
            // The kernel's IN_DEV_RPFILTER is the larger of the two (include/linux/inetdevice.h); "default" is only a template.
            EffectiveRpFilter = own.Value is null ? null : name == "default" ? Word(own.Value) : Word(Math.Max(own.Value.Value, keeper.Kernel.Read(KernelPaths.RpFilter("all")) ?? 0)),
            DesiredRpFilter = Word(own.Desired),
            Drift = settings.Any(s => s.Drift),
            Problem = settings.Select(s => s.Problem).FirstOrDefault(p => p is not null),
            Settings = [.. settings.Where(s => s.Value is not null || s.Desired is not null)],
        };
    }

    private static string? Word(int? mode) => mode is >= 0 and <= 2 ? Modes[mode.Value] : null;

    private static int? Number(bool? on) => on is null ? null : on.Value ? 1 : 0;

    private static bool? Switch(int? number) => number is null ? null : number > 0;
}
