using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Accounts.Users;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Makes a user, or changes one.</summary>
public sealed partial class UserDialog : ComponentBase
{
    private readonly FormErrors _errors = new();
    private string? _name;
    private string _role = Roles.Viewer;
    private bool _seesPackets, _busy;

    /// <summary>Whom to change; null makes one.</summary>
    [Parameter]
    public UserResponse? User { get; set; }

    [CascadingParameter]
    private IMudDialogInstance Dialog { get; set; } = default!;

    [Inject]
    private UserService Service { get; set; } = default!;

    private (string, string)[] Roles_ => [(Roles.Viewer, L["viewer"]), (Roles.Operator, L["operator"]), (Roles.Admin, L["admin"])];

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        if (User is not null) (_name, _role, _seesPackets) = (User.Name, User.Role, User.SeesPackets);
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        var settings = new UserSettings { Name = _name?.Trim(), Role = _role, SeesPackets = _seesPackets };
        var saved = User is null ? await Service.CreateAsync(settings, CancellationToken.None)
            : await Service.UpdateAsync(User.Id, before => settings with { Disabled = before.Disabled }, ETags.Of(User.Revision), CancellationToken.None);
        _busy = false;
        if (saved.Succeeded(out var user, out var failure)) Dialog.Close(user);
        _errors.Take(failure);
    }
}
