using System.CommandLine;
using System.Text.Json.Nodes;
using Gateway.Cli.Api;
using Gateway.Contracts;
using Gateway.Contracts.Client;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway interface</c> and <c>gateway host</c>.</summary>
internal static class InterfaceCommands
{
    public static Command Build() => new("interface", "The host's network devices and what the kernel checks on them.") { List(), Show(), Set() };

    /// <summary><c>gateway host</c>: what the kernel does as a whole.</summary>
    public static Command Host() => new("host", "Forwarding of the whole host.") { ShowHost(), SetHost(), RestoreHost() };

    private static ApiCommand ShowHost() => new ApiCommand("show", "Show the host-wide settings, wanted and found.", "GetHost")
        .Does(async session => ShowSettings(session, await session.Api.Interfaces.GetHostAsync(session.Stopped)));

    private static ApiCommand SetHost()
    {
        var settings = new SettingsOptions()
            .Flag(nameof(HostSettings.Ipv4Forwarding), "--ipv4-forwarding", "Whether IPv4 packets are forwarded between devices.")
            .Flag(nameof(HostSettings.Ipv6Forwarding), "--ipv6-forwarding", "Whether IPv6 packets are forwarded between devices.")
            .Flag(nameof(HostSettings.Enforce), "--enforce", "Whether it is put back when somebody else changes it.").Clearable();
        return new ApiCommand("set", "Set what is wanted of the whole host; --clear puts back what was found.", "UpdateHost").Changing().Taking(settings)
            .Does(async session => ShowSettings(session, await session.Api.Interfaces.UpdateHostAsync(session.Settings(settings), session.Change, session.Stopped)));
    }

    private static ApiCommand RestoreHost() => new ApiCommand("restore", "Put back every kernel setting that was found before it was set here.", "RestoreHost").Changing(existing: false)
        .Does(async session => ShowSettings(session, await session.Api.Interfaces.RestoreHostAsync(session.Change, session.Stopped)));

    private static void ShowSettings(ApiSession session, ApiResult<HostResponse> result)
    {
        if (ApiSession.Checked(result).Value is null || session.IsJson) session.Show(result);
        else session.View.Table(JsonNode.Parse(result.Body)!["settings"]!.AsArray(),
            [nameof(KernelSettingResponse.Name), nameof(KernelSettingResponse.Sysctl), nameof(KernelSettingResponse.Value), nameof(KernelSettingResponse.Desired), nameof(KernelSettingResponse.Original),
                nameof(KernelSettingResponse.Drift), nameof(KernelSettingResponse.Enforced), nameof(KernelSettingResponse.ChangedBy), nameof(KernelSettingResponse.Problem)], more: false);
    }

    private static ApiCommand List() => new ApiCommand("list", "List devices with their rp_filter.", "ListInterfaces").Listing()
        .Does(session => session.ListAsync<InterfaceResponse>(page => session.Api.Interfaces.ListAsync(page, session.Stopped),
            nameof(InterfaceResponse.Name), nameof(InterfaceResponse.RpFilter), nameof(InterfaceResponse.EffectiveRpFilter), nameof(InterfaceResponse.DesiredRpFilter),
            nameof(InterfaceResponse.Drift), nameof(InterfaceResponse.Problem)));

    private static ApiCommand Show()
    {
        var name = Name();
        return new ApiCommand("show", "Show a device.", "GetInterface").With(name)
            .Does(async session => session.Show(await session.Api.Interfaces.GetAsync(session.Value(name), session.Stopped)));
    }

    private static ApiCommand Set()
    {
        var name = Name();
        var settings = Settings().Clearable();
        return new ApiCommand("set", "Set what is wanted of a device; --clear puts back what was found.", "UpdateInterface").Changing().With(name).Taking(settings)
            .Does(async session => session.SayAndShow(
                await session.Api.Interfaces.UpdateAsync(session.Value(name), session.Settings(settings), session.Change, session.Stopped), device => $"Changed {device.Name}."));
    }

    /// <summary>What can be set of a device.</summary>
    private static SettingsOptions Settings() => new SettingsOptions()
        .Text(nameof(InterfaceSettings.RpFilter), "--rp-filter", "", "off; strict: the source must be routed out of this device; loose: out of any.", RpFilters.Off, RpFilters.Strict, RpFilters.Loose)
        .Flag(nameof(InterfaceSettings.Ipv6Forwarding), "--ipv6-forwarding", "Whether IPv6 packets that come in here are forwarded.")
        .Number(nameof(InterfaceSettings.AcceptRa), "--accept-ra", "0|1|2", "Router advertisements: not taken, taken unless the device forwards, always taken.")
        .Flag(nameof(InterfaceSettings.SrcValidMark), "--src-valid-mark", "Whether rp_filter takes the packet's firewall mark into account.")
        .Flag(nameof(InterfaceSettings.Enforce), "--enforce", "Whether it is put back when somebody else changes it.");

    private static Argument<string> Name() => new Argument<string>("DEVICE") { Description = "The device's name, all, or default." }.Completing(async (api, cancellationToken) =>
        (await ApiSession.AllAsync<InterfaceResponse>(page => api.Interfaces.ListAsync(page, cancellationToken))).Select(i => i.Name));
}
