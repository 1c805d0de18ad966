using Gateway.Components.Controls;
using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Backup;
using Gateway.Web;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.JSInterop;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>Everything into one encrypted file, and back.</summary>
[Authorize(Scopes.Admin)]
public sealed partial class BackupPage : DashboardPage
{
    private const long MaxFileBytes = 4L << 30;
    private readonly FormErrors _taken = new();
    private readonly FormErrors _restored = new();
    private string? _passphrase, _repeated, _restorePassphrase, _made;
    private IBrowserFile? _file;
    private bool _busy;

    [Inject]
    private BackupService Service { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private IJSRuntime Script { get; set; } = default!;

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    private async Task TakeAsync()
    {
        if (_busy) return;
        _made = null;
        _taken.Take(_passphrase == _repeated ? null : Failure.Of(FailureKind.Rule, "repeated", L["Differ"], ""));
        if (_passphrase != _repeated) return;
        _busy = true;
        if ((await Service.CreateAsync(new BackupRequest { Passphrase = _passphrase }, Leaving)).Succeeded(out var backup, out var failure))
        {
            using var stream = new DotNetStreamReference(backup.File);
            await Script.InvokeVoidAsync("gateway.download", backup.Name, "application/octet-stream", stream);
            (_passphrase, _repeated, _made) = (null, null, L["Made", backup.Name]);
        }

        _taken.Take(failure);
        _busy = false;
    }

    private async Task RestoreAsync()
    {
        if (_busy || _file is null) return;
        if (!await Dialogs.ConfirmAsync(L["ConfirmTitle", _file.Name], L["Warning"], L["RestoreIt"])) return;
        _busy = true;
        Failure? failure;
        await using (var file = _file.OpenReadStream(MaxFileBytes, Leaving))
            failure = (await Service.RestoreAsync(file, _restorePassphrase, CancellationToken.None)).Failure;
        // Who is signed in is in the backup too: most likely nobody any more. So the page that says it went well is one for everybody.
        if (failure is null) Navigation.NavigateTo("/account/restored", forceLoad: true);
        _restored.Take(failure);
        _busy = false;
    }
}
