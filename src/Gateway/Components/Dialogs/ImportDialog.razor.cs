using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Transfer;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Takes wg-quick files over: chosen, shown as what they would make, then imported. The files stay in memory only.</summary>
public sealed partial class ImportDialog : ComponentBase
{
    private const int MostFiles = 5_000;
    private const long MostBytes = 16L << 20;
    private const int MostShown = 200;

    private readonly FormErrors _errors = new();
    private List<ImportFile> _files = [];
    private ImportResponse? _preview;
    private string? _endpoint;
    private bool _busy;

    [CascadingParameter]
    private IMudDialogInstance Dialog { get; set; } = default!;

    [Inject]
    private ChangePreview Preview { get; set; } = default!;

    [Inject]
    private ImportService Service { get; set; } = default!;

    [Inject]
    private ISnackbar Messages { get; set; } = default!;

    private ImportRequest Request => new() { Files = _files, Endpoint = string.IsNullOrWhiteSpace(_endpoint) ? null : _endpoint.Trim() };

    private async Task ReadAsync(InputFileChangeEventArgs chosen)
    {
        (_files, _preview) = ([], null);
        if (chosen.FileCount > MostFiles || chosen.GetMultipleFiles(MostFiles).Sum(file => file.Size) > MostBytes)
        {
            _errors.Take(Failure.Of(FailureKind.TooLarge, "files", L["TooMany", Format.Count(chosen.FileCount)], L["TooManyHelp", Format.Count(MostFiles), Format.Bytes(MostBytes)]));
            return;
        }

        var files = new List<ImportFile>();
        try
        {
            foreach (var file in chosen.GetMultipleFiles(MostFiles))
            {
                using var reader = new StreamReader(file.OpenReadStream(MostBytes));
                files.Add(new ImportFile { Name = file.Name, Text = await reader.ReadToEndAsync() });
            }
        }
        catch (IOException e)
        {
            _errors.Take(new Failure(FailureKind.Malformed, e.Message, []));
            return;
        }

        _files = files;
        await PreviewAsync();
    }

    private async Task PreviewAsync()
    {
        var request = Request;
        ImportResponse? preview = null;
        var tried = await Preview.TryAsync<ImportService>(async service =>
        {
            var outcome = await service.ImportAsync(request, preview: true, CancellationToken.None);
            preview = outcome.Value;
            return outcome.Failure;
        });
        _errors.Take(tried.Failure);
        _preview = preview;
    }

    private async Task ImportAsync()
    {
        if (_busy) return;
        _busy = true;
        var imported = await Service.ImportAsync(Request, preview: false, CancellationToken.None);
        _busy = false;
        _errors.Take(imported.Failure);
        if (!imported.Succeeded(out var made, out _)) return;
        Messages.Add(L.Many("Imported", made.Changes.Count), Severity.Success);
        Dialog.Close(made);
    }

    private string What(PlannedChange change)
    {
        var text = L[change.Action, change.Subject];
        return text.ResourceNotFound ? $"{change.Action}: {change.Subject}" : text;
    }
}
