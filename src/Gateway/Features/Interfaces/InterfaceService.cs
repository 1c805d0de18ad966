using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Interfaces;

/// <summary>Kernel devices and their rp_filter.</summary>
internal sealed class InterfaceService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, KernelKeeper kernel)
{
    private static readonly string[] Modes = [RpFilters.Off, RpFilters.Strict, RpFilters.Loose];

    public async Task<Outcome<Page<InterfaceResponse>>> ListAsync(int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.Read(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var settings = await db.InterfaceSettings.AsNoTracking().ToDictionaryAsync(s => s.Name, StringComparer.Ordinal, cancellationToken);
        var modes = kernel.ReadRpFilters();
        var names = modes.Keys.Union(settings.Keys, StringComparer.Ordinal).Where(n => string.CompareOrdinal(n, page.After ?? "") > 0)
            .Order(StringComparer.Ordinal).Take(page.Limit + 1).ToList();
        return Cursors.ToPage(names, page.Limit, name => Show(name, modes, settings.GetValueOrDefault(name)), name => name);
    }

    public async Task<Outcome<(InterfaceResponse Interface, long Revision)>> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var setting = await db.InterfaceSettings.AsNoTracking().SingleOrDefaultAsync(s => s.Name == name, cancellationToken);
        var modes = kernel.ReadRpFilters();
        return setting is null && !modes.ContainsKey(name) ? NotFound(name) : (Show(name, modes, setting), setting?.Revision ?? 0);
    }

    public async Task<Outcome<(InterfaceResponse Interface, long Revision)>> UpdateAsync(
        string name, JsonBody<InterfaceSettings> body, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<long>(Permission.Administer, async change =>
        {
            var setting = await change.Db.InterfaceSettings.SingleOrDefaultAsync(s => s.Name == name, cancellationToken);
            var modes = kernel.ReadRpFilters();
            if (setting is null && !modes.ContainsKey(name)) return NotFound(name);
            if (!ETags.Allows(ifMatch, setting?.Revision ?? 0)) return Failure.Changed(setting?.Revision ?? 0);
            var current = new InterfaceSettings { RpFilter = setting is null ? null : Modes[setting.RpFilter] };
            if (!body.MergeInto(current).Succeeded(out var wanted, out var malformed)) return malformed;
            if (wanted.RpFilter is null)
            {
                if (setting is null) return change.Revision;
                change.Db.InterfaceSettings.Remove(setting);
                change.Record("interface.update", name, current, new InterfaceSettings());
                if (setting.OriginalRpFilter is { } original) change.AfterCommit(() => SetIfThere(name, original));
                return change.Revision;
            }

            var mode = Array.IndexOf(Modes, wanted.RpFilter);
            if (mode < 0)
                return Failure.Of(FailureKind.Rule, "rpFilter", $"'{wanted.RpFilter}' is not known.", "It is off, strict or loose, or null to leave it to others.");
            if (setting is null)
            {
                setting = new InterfaceSetting { Name = name, OriginalRpFilter = modes[name] };
                change.Db.InterfaceSettings.Add(setting);
            }

            setting.RpFilter = mode;
            setting.Revision = change.Revision;
            change.Record("interface.update", name, current, wanted);
            change.AfterCommit(() => SetIfThere(name, mode));
            return change.Revision;
        }, cancellationToken);
        if (!saved.Succeeded(out _, out var failure)) return failure;
        return await GetAsync(name, cancellationToken);
    }

    private void SetIfThere(string name, int mode)
    {
        if (kernel.ReadRpFilters().ContainsKey(name)) kernel.Set(name, mode);
    }

    private static Failure NotFound(string name) => new(FailureKind.NotFound,
        $"There is no interface '{name}'. GET /api/v1/interfaces lists them.", []);

    private InterfaceResponse Show(string name, IReadOnlyDictionary<string, int> modes, InterfaceSetting? setting)
    {
        int? own = modes.TryGetValue(name, out var mode) ? mode : null;
        return new InterfaceResponse
        {
            Name = name,
            RpFilter = Word(own),
            // The kernel's IN_DEV_RPFILTER is the larger of the two (include/linux/inetdevice.h); "default" is only a template.
            EffectiveRpFilter = own is null ? null : name == "default" ? Word(own) : Word(Math.Max(own.Value, modes.GetValueOrDefault("all"))),
            DesiredRpFilter = Word(setting?.RpFilter),
            Drift = setting is not null && own is not null && own != setting.RpFilter,
            Problem = kernel.Problems.GetValueOrDefault(name),
        };
    }

    private static string? Word(int? mode) => mode is >= 0 and <= 2 ? Modes[mode.Value] : null;
}
