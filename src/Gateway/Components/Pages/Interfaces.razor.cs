using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Interfaces;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>Kernel devices and their reverse-path filter, in words and changed in place.</summary>
public sealed partial class Interfaces : DashboardPage
{
    private const string Unmanaged = "";
    private const int MostInterfaces = 500;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(3);

    private IReadOnlyList<InterfaceResponse>? _interfaces;
    private Failure? _failure;
    private bool _busy;

    /// <summary>The device that shows all its settings.</summary>
    [SupplyParameterFromQuery]
    public string? Open { get; set; }

    [Inject]
    private InterfaceService Service { get; set; } = default!;

    [Inject]
    private ChangePlans Plans { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private ISnackbar Messages { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayChange => Caller.May(Permission.Administer);

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        await ReadAsync();
        _ = RepeatAsync(Period, ReadAsync);
    }

    private async Task ReadAsync()
    {
        if ((await Service.ListAsync(MostInterfaces, null, Leaving)).Succeeded(out var page, out var failure)) _interfaces = page.Items;
        else (_interfaces, _failure) = ([], failure);
    }

    private (string, string)[] Options(InterfaceResponse device) =>
    [
        (Unmanaged, device.DesiredRpFilter is null && device.RpFilter is not null ? L["LeaveIs", Word(device.RpFilter)] : L["Leave"]),
        (RpFilters.Off, L["off"]), (RpFilters.Loose, L["loose"]), (RpFilters.Strict, L["strict"]),
    ];

    private string Word(string? mode) => mode is null ? "–" : L[mode];

    private string Explain(InterfaceResponse device) => device switch
    {
        { Name: "all" } => L["All", Word(device.RpFilter)],
        { Name: "default" } => L["Default", Word(device.RpFilter)],
        { RpFilter: null } => L["Gone"],
        _ when device.EffectiveRpFilter == device.RpFilter => L[$"{device.EffectiveRpFilter}.why"],
        _ => $"{L[$"{device.EffectiveRpFilter}.why"]} {L["FromAll", Word(device.RpFilter), Word(device.EffectiveRpFilter)]}",
    };

    private async Task SetAsync(InterfaceResponse device, string? mode)
    {
        if (await ChangeAsync(device.Name, ("rpFilter", mode))) Messages.Add(mode is null ? L["Left", device.Name] : L["Set", device.Name, Word(mode)], Severity.Success);
    }

    private async Task<bool> ChangeAsync(string device, (string Member, object? Value) change)
    {
        var body = JsonBody<InterfaceSettings>.Of(change);
        if (!(await Plans.TryAsync(services => services.GetRequiredService<InterfaceService>().UpdateAsync(device, body, null, Leaving))).Succeeded(out var plan, out _failure)) return false;
        if (plan.Breaks is { Flows: > 0 } && !await Dialogs.ConfirmAsync(L["BreaksTitle", device], L["BreaksText"], L["Change"], plan)) return false;
        _busy = true;
        var saved = await Service.UpdateAsync(device, body, null, CancellationToken.None);
        _busy = false;
        _failure = saved.Failure;
        await ReadAsync();
        return saved.Failure is null;
    }
}
