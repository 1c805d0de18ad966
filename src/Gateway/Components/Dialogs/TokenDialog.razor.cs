using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Accounts.Tokens;
using Gateway.Security;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Makes a token that acts for the caller.</summary>
public sealed partial class TokenDialog : ComponentBase
{
    private readonly FormErrors _errors = new();
    private readonly HashSet<string> _scopes = [Scopes.Read];
    private string? _name;
    private int _days = 90;
    private bool _busy;

    [CascadingParameter]
    private IMudDialogInstance Dialog { get; set; } = default!;

    [Inject]
    private TokenService Service { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    // In days; 0 = never.
    private (int, string)[] Ends => [(1, L["Day"]), (30, L["Days", 30]), (90, L["Days", 90]), (365, L["Year"]), (0, L["Never"])];

    /// <inheritdoc/>
    protected override void OnInitialized() => _errors.ShowsItself("scopes");

    private void Set(string scope, bool on)
    {
        if (on) _scopes.Add(scope);
        else _scopes.Remove(scope);
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        var settings = new TokenSettings { Name = _name?.Trim(), Scopes = [.. _scopes], ExpiresAt = _days == 0 ? null : Clock.GetUtcNow().AddDays(_days) };
        var made = await Service.CreateAsync(settings, own: true, CancellationToken.None);
        _busy = false;
        if (made.Succeeded(out var token, out var failure)) Dialog.Close(token);
        _errors.Take(failure);
    }
}
