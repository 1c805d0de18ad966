using Gateway.Contracts;
using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Questions that many pages ask.</summary>
internal static class DialogExtensions
{
    /// <summary>Asks before something that has consequences, with what a try of it showed.</summary>
    public static async Task<bool> ConfirmAsync(this IDialogService dialogs, string title, string text, string action, PlanResponse? plan = null, bool isDestructive = true)
    {
        var dialog = await dialogs.ShowAsync<ConfirmDialog>(null, new DialogParameters<ConfirmDialog>
        {
            { d => d.Title, title }, { d => d.Text, text }, { d => d.Action, action }, { d => d.Plan, plan }, { d => d.IsDestructive, isDestructive },
        });
        return await dialog.Result is { Canceled: false };
    }
}
