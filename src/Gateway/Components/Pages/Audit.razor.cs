using Gateway.Contracts;
using Gateway.Features.Audit;
using Gateway.Web;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>Who did what, newest first, a hundred at a time.</summary>
[Authorize(Scopes.Admin)]
public sealed partial class Audit : DashboardPage
{
    private List<AuditResponse>? _entries;
    private Failure? _failure;
    private string? _cursor;
    private AuditFilter? _filter;
    private (string?, string?, string?, string?)? _read;
    private bool _busy;

    /// <summary>A piece of who did it.</summary>
    [SupplyParameterFromQuery]
    public string? Actor { get; set; }

    /// <summary>What was done: the beginning of its name.</summary>
    [SupplyParameterFromQuery]
    public string? Action { get; set; }

    /// <summary>A piece of what it was done to.</summary>
    [SupplyParameterFromQuery]
    public string? Subject { get; set; }

    /// <summary>How far back, in hours.</summary>
    [SupplyParameterFromQuery]
    public string? Since { get; set; }

    /// <summary>The entry whose document is shown.</summary>
    [SupplyParameterFromQuery]
    public Guid? Open { get; set; }

    [Inject]
    private AuditService Service { get; set; } = default!;

    private (string, string)[] Times => [("", L["Always"]), ("1", L["Hour"]), ("24", L["Day"]), ("168", L["Week"]), ("720", L["Month"])];

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        var wanted = (Actor, Action, Subject, Since);
        if (!RendererInfo.IsInteractive || _read == wanted) return;
        _read = wanted;
        _filter = new AuditFilter(Actor, Action, Subject, null, ushort.TryParse(Since, out var hours) ? Clock.GetUtcNow().AddHours(-hours) : null, null);
        (_entries, _cursor) = (null, null);
        await MoreAsync();
    }

    private async Task MoreAsync()
    {
        _busy = true;
        var read = _read;
        if ((await Service.ListAsync(_filter!, Cursors.DefaultLimit, _cursor, Leaving)).Succeeded(out var page, out _failure) && read == _read)
        {
            (_entries ??= []).AddRange(page.Items);
            _cursor = page.NextCursor;
        }

        _busy = false;
    }
}
