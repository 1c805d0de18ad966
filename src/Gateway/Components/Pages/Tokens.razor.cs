using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Accounts.Tokens;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>Bearer tokens of the API: the caller's own, and for admins everyone's.</summary>
public sealed partial class Tokens : DashboardPage
{
    private List<TokenResponse>? _tokens;
    private Failure? _failure;
    private bool? _read;

    /// <summary>Everyone's, for admins.</summary>
    [SupplyParameterFromQuery]
    public bool All { get; set; }

    [Inject]
    private TokenService Service { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        if (!RendererInfo.IsInteractive || _read == All) return;
        _read = All;
        await ReadAsync();
    }

    private async Task ReadAsync()
    {
        var all = new List<TokenResponse>();
        string? cursor = null;
        do
        {
            if (!(await Service.ListAsync(own: !All, Cursors.MaxLimit, cursor, Leaving)).Succeeded(out var page, out var failure))
            {
                (_tokens, _failure) = (null, failure);
                return;
            }

            all.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        _tokens = all;
    }

    private async Task CreateAsync()
    {
        var dialog = await Dialogs.ShowAsync<TokenDialog>();
        if (await dialog.Result is not { Data: TokenResponse made }) return;
        await ReadAsync();
        await Dialogs.ShowAsync<OnceDialog>(null, new DialogParameters<OnceDialog>
        {
            { d => d.Title, L["MadeTitle", made.Name] },
            { d => d.Text, L["MadeText"] },
            { d => d.Secret, made.Token! },
            { d => d.What, L["Token"] },
        });
    }

    private async Task RevokeAsync(TokenResponse token)
    {
        if (!await Dialogs.ConfirmAsync(L["RevokeTitle", token.Name], L["RevokeText"], L["Revoke"])) return;
        _failure = (await Service.RevokeAsync(token.Id, null, own: !All, CancellationToken.None)).Failure;
        await ReadAsync();
    }
}
