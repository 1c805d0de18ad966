using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Interfaces;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Controls;

/// <summary>The host's forwarding switches, and all kernel settings back to what was found.</summary>
public sealed partial class HostSwitches : DashboardPage
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(3);

    private HostResponse? _host;
    private Failure? _failure;
    private bool _busy;

    /// <summary>Called after every setting was put back, those of devices too.</summary>
    [Parameter]
    public EventCallback Restored { get; set; }

    [Inject]
    private HostService Service { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private ISnackbar Messages { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayChange => Caller.May(Permission.Administer);

    private bool IsManaged => _host?.Settings.Any(setting => setting.Desired is not null) ?? false;

    private bool Enforced => _host?.Settings.Any(setting => setting.Enforced) ?? false;

    private (int, string)[] OnOff => [(1, L["On"]), (0, L["Off"])];

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        await ReadAsync();
        _ = RepeatAsync(Period, ReadAsync);
    }

    private async Task ReadAsync()
    {
        var read = await Service.GetAsync(Leaving);
        if (read.Succeeded(out var found, out var failure)) _host = found.Host;
        else _failure = failure;
    }

    private string Why(KernelSettingResponse setting) => setting.Value switch
    {
        null => L["None"],
        0 => L[$"{setting.Name}.off"],
        _ => L[$"{setting.Name}.on"],
    };

    private Task SetAsync(KernelSettingResponse setting, int? value) =>
        SaveAsync(JsonBody<HostSettings>.Of((setting.Name, value is null ? null : value > 0)), value is null ? L["Left", L[setting.Name]] : L["Set", L[setting.Name], value > 0 ? L["On"] : L["Off"]]);

    private Task EnforceAsync(bool enforce) => SaveAsync(JsonBody<HostSettings>.Of(("enforce", enforce)), enforce ? L["Enforcing"] : L["NotEnforcing"]);

    private async Task SaveAsync(JsonBody<HostSettings> body, string done)
    {
        _busy = true;
        var saved = await Service.UpdateAsync(body, null, CancellationToken.None);
        _busy = false;
        _failure = saved.Failure;
        if (saved.Failure is null) Messages.Add(done, Severity.Success);
        await ReadAsync();
    }

    private async Task RestoreAsync()
    {
        if (!await Dialogs.ConfirmAsync(L["RestoreTitle"], L["RestoreText"], L["Restore"])) return;
        _busy = true;
        var restored = await Service.RestoreAsync(CancellationToken.None);
        _busy = false;
        _failure = restored.Failure;
        if (restored.Failure is null) Messages.Add(L["RestoredAll"], Severity.Success);
        await ReadAsync();
        await Restored.InvokeAsync();
    }
}
