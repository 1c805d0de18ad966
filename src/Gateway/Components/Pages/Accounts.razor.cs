using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Accounts.Users;
using Gateway.Web;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>Who may sign in, and as what.</summary>
[Authorize(Scopes.Admin)]
public sealed partial class Accounts : DashboardPage
{
    private List<UserResponse>? _users;
    private Failure? _failure;
    private (string?, string?)? _read;

    /// <summary>A piece of the name.</summary>
    [SupplyParameterFromQuery]
    public string? Search { get; set; }

    /// <summary>viewer, operator or admin.</summary>
    [SupplyParameterFromQuery]
    public string? Role { get; set; }

    [Inject]
    private UserService Service { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    private (string, string)[] Roles_ => [("", L["AnyRole"]), .. new[] { Contracts.Roles.Viewer, Contracts.Roles.Operator, Contracts.Roles.Admin }.Select(r => (r, L[$"role.{r}"].Value))];

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        if (!RendererInfo.IsInteractive || _read == (Search, Role)) return;
        _read = (Search, Role);
        await ReadAsync();
    }

    private async Task ReadAsync()
    {
        var all = new List<UserResponse>();
        string? cursor = null;
        do
        {
            if (!(await Service.ListAsync(Search, Role, Cursors.MaxLimit, cursor, Leaving)).Succeeded(out var page, out var failure))
            {
                _failure = failure;
                return;
            }

            all.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        _users = all;
    }

    private async Task CreateAsync()
    {
        var dialog = await Dialogs.ShowAsync<UserDialog>();
        if (await dialog.Result is not { Data: UserResponse made }) return;
        await ReadAsync();
        await ShowLinkAsync(made);
    }

    private async Task EditAsync(UserResponse user)
    {
        var dialog = await Dialogs.ShowAsync<UserDialog>(null, new DialogParameters<UserDialog> { { d => d.User, user } });
        if (await dialog.Result is { Canceled: false }) await ReadAsync();
    }

    private async Task InviteAsync(UserResponse user)
    {
        if ((await Service.InviteAsync(user.Id, CancellationToken.None)).Succeeded(out var invited, out _failure)) await ShowLinkAsync(invited);
        await ReadAsync();
    }

    private async Task ResetAsync(UserResponse user)
    {
        if (!await Dialogs.ConfirmAsync(L["ResetTitle", user.Name], L["ResetText"], L["Reset"])) return;
        await AfterAsync(await Service.ResetSecondFactorAsync(user.Id, CancellationToken.None));
    }

    private async Task SignOutAsync(UserResponse user) => await AfterAsync(await Service.EndSessionsAsync(user.Id, CancellationToken.None));

    private async Task SetDisabledAsync(UserResponse user)
    {
        if (!user.Disabled && !await Dialogs.ConfirmAsync(L["LockTitle", user.Name], L["LockText"], L["Lock"])) return;
        await AfterAsync(await Service.UpdateAsync(user.Id, settings => settings with { Disabled = !user.Disabled }, null, CancellationToken.None));
    }

    private async Task DeleteAsync(UserResponse user)
    {
        if (!await Dialogs.ConfirmAsync(L["DeleteTitle", user.Name], L["DeleteText"], S["Delete"])) return;
        _failure = (await Service.DeleteAsync(user.Id, null, CancellationToken.None)).Failure;
        await ReadAsync();
    }

    private async Task AfterAsync(Outcome<UserResponse> outcome)
    {
        _failure = outcome.Failure;
        await ReadAsync();
    }

    private Task<IDialogReference> ShowLinkAsync(UserResponse user) => Dialogs.ShowAsync<OnceDialog>(null, new DialogParameters<OnceDialog>
    {
        { d => d.Title, L["LinkTitle", user.Name] },
        { d => d.Text, L["LinkText"] },
        { d => d.Secret, Navigation.ToAbsoluteUri(user.InvitationLink!).AbsoluteUri },
        { d => d.What, L["Link"] },
    });
}
