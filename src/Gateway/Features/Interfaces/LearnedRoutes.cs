using Gateway.Reconcile;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Interfaces;

/// <summary>
/// IPv6 forwarding makes the kernel drop default routes that it learned from routers, unless accept_ra is 2 on their device (rt6_purge_dflt_routers in
/// net/ipv6/route.c). So accept_ra is set along with it, first.
/// </summary>
internal static class LearnedRoutes
{
    private const int Always = 2;

    /// <summary>Makes accept_ra 2 wanted on each device that would lose its route; a failure where something else is wanted of it. <paramref name="only"/> is the device that begins to forward; null = all.</summary>
    public static async Task<Failure?> KeepAsync(Change change, KernelKeeper keeper, string? only, bool enforce, string who, CancellationToken cancellationToken)
    {
        foreach (var device in keeper.Kernel.ReadDevicesWithLearnedDefaultRoute().Where(d => only is null || d == only))
        {
            var path = KernelPaths.AcceptRa(device);
            var rows = await change.Db.KernelSettings.Where(s => s.Path == path).ToListAsync(cancellationToken);
            if (rows.Count == 0 && keeper.Kernel.Read(path) == Always) continue;
            if (rows is [{ Wanted: not Always }])
            {
                return Failure.Of(FailureKind.Rule, "ipv6Forwarding", $"{device} learned the host's IPv6 default route from a router and would lose it: acceptRa of {device} is wanted as {rows[0].Wanted}.",
                    $"Set acceptRa of {device} to 2 first, or leave it to others.");
            }

            SettingRows.Write(change, keeper, rows, [new WantedSetting("acceptRa", path, Always)], enforce, who, _ => true);
            change.Record("interface.update", device, new { AcceptRa = keeper.Kernel.Read(path) }, new { AcceptRa = Always });
        }

        return null;
    }
}
