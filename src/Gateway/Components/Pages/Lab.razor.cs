using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Features.Lab;
using Gateway.Hosting;
using Gateway.Live;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>The lab's nine experiments: what is set up, a button that runs it, the packets at six points, what was expected, seen and explained.</summary>
public sealed partial class Lab : DashboardPage
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly LabJourneyRows _journeys = new();
    private LabResponse? _lab;
    private LabRun? _run;
    private Failure? _failure;
    private string _rpFilter = RpFilters.Off;
    private string _on = LabRpFilterDevices.Tunnel;
    private bool _defaultRoute;
    private bool _busy;
    private int _shown;

    /// <summary>Which of the nine.</summary>
    [SupplyParameterFromQuery]
    public int? Experiment { get; set; }

    [Inject]
    private GatewayOptions Options { get; set; } = default!;

    // Asked for where there is a lab only.
    [Inject]
    private LabService Service { get; set; } = default!;

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayRun => Caller.May(Permission.Administer);

    private bool MaySee => Caller.May(Permission.SeePackets);

    private LabExperiment Chosen => _lab!.Experiments.FirstOrDefault(one => one.Number == Experiment) ?? _lab.Experiments[0];

    private LabRunRequest Variants => new() { RpFilter = _rpFilter, On = _on, DefaultRoute = _defaultRoute };

    private (string, string)[] RpFilterOptions => [(RpFilters.Off, L["Off"]), (RpFilters.Strict, L["Strict"]), (RpFilters.Loose, L["Loose"])];

    private (string, string)[] OnOptions => [(LabRpFilterDevices.Tunnel, L["OnTunnel"]), (LabRpFilterDevices.All, L["OnAll"])];

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        if (Options.Lab is null) Navigation.NotFound();
        else await base.OnInitializedAsync();
    }

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        await RefreshAsync();
        ShowLastRun();
        if (MaySee) Watch(Feed.LabPackets, ShowAsync, Pause);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_lab is not null && Chosen.Number != _shown && !_busy) ShowLastRun();
    }

    private void ShowLastRun()
    {
        if (_lab is null) return;
        _shown = Chosen.Number;
        _run = Service.GetRun(Chosen.Number.ToString(System.Globalization.CultureInfo.InvariantCulture)).Value;
    }

    private Task ShowAsync(LabPacketsUpdate update)
    {
        _journeys.Add(update);
        return Task.CompletedTask;
    }

    private void Clear() => _journeys.Clear();

    private Task RunAsync() => ActAsync(() => Service.RunAsync($"{Chosen.Number}", Chosen.HasVariants ? Variants : new LabRunRequest(), Progress, Leaving));

    private Task ResetAsync() => ActAsync(() => Service.ResetAsync(Progress, Leaving));

    private Task ToggleAsync(LabBreak one) => ActAsync(() => one.IsActive
        ? Service.HealAsync(one.Name, Progress, Leaving) : Service.BreakAsync(one.Name, one.HasVariants ? Variants : new LabRunRequest(), Progress, Leaving));

    private async Task ActAsync(Func<Task<Outcome<LabRun>>> act)
    {
        if (_busy) return;
        (_busy, _failure) = (true, null);
        _journeys.Clear();
        try
        {
            if ((await act()).Succeeded(out var run, out var failure)) _run = run;
            else _failure = failure;
            await RefreshAsync();
        }
        catch (OperationCanceledException) when (Leaving.IsCancellationRequested)
        {
            // Left meanwhile; the run has taken back what it changed.
        }
        finally
        {
            _busy = false;
        }
    }

    private void Progress(LabRun run) => _ = InvokeAsync(() =>
    {
        _run = run;
        StateHasChanged();
    });

    private async Task RefreshAsync()
    {
        if ((await Service.GetAsync(Leaving)).Succeeded(out var lab, out var failure)) _lab = lab;
        else _failure = failure;
    }
}
