using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Questions that many pages ask.</summary>
internal static class DialogExtensions
{
    /// <summary>Asks before something that cannot be undone.</summary>
    public static async Task<bool> ConfirmAsync(this IDialogService dialogs, string title, string text, string action)
    {
        var dialog = await dialogs.ShowAsync<ConfirmDialog>(null, new DialogParameters<ConfirmDialog> { { d => d.Title, title }, { d => d.Text, text }, { d => d.Action, action } });
        return await dialog.Result is { Canceled: false };
    }
}
