using System.Text;
using Gateway.Contracts;
using Gateway.Features.Peers;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Gateway.Components.Controls;

/// <summary>A peer's config as a picture and as a file. Taking it is on record, so it is taken only when somebody asks.</summary>
public sealed partial class PeerConfig : ComponentBase
{
    private ConfigFile? _config;
    private string? _picture;
    private Failure? _failure;

    /// <summary>Whose.</summary>
    [Parameter, EditorRequired]
    public required PeerResponse Peer { get; set; }

    /// <summary>Whether it is taken at once.</summary>
    [Parameter]
    public bool Shown { get; set; }

    /// <summary>Whether the person may say what becomes of the private key.</summary>
    [Parameter]
    public bool MayChange { get; set; }

    /// <summary>Called with the peer as it is after a change.</summary>
    [Parameter]
    public EventCallback<PeerResponse> Changed { get; set; }

    [Inject]
    private PeerService Service { get; set; } = default!;

    [Inject]
    private PeerConfigs Configs { get; set; } = default!;

    /// <inheritdoc/>
    protected override Task OnInitializedAsync() => Shown ? TakeAsync() : Task.CompletedTask;

    private async Task TakeAsync()
    {
        // A picture needs the private key, which is not here where somebody gave only a public one.
        var form = Peer.HasPrivateKey ? ConfigForm.Svg : ConfigForm.Text;
        if (!(await Configs.TakeAsync(Peer.Id, form, CancellationToken.None)).Succeeded(out _config, out _failure)) return;
        if (form == ConfigForm.Svg) _picture = $"data:image/svg+xml;base64,{Convert.ToBase64String(_config.Content)}";
    }

    private async Task DropKeyAsync(bool drop)
    {
        var saved = await Service.UpdateAsync(Peer.Id, JsonBody<PeerSettings>.Of(("dropKeyAfterDownload", drop)), null, CancellationToken.None);
        if (saved.Succeeded(out var changed, out _failure)) await Changed.InvokeAsync(changed);
    }

    private async Task DownloadAsync()
    {
        using var stream = new DotNetStreamReference(new MemoryStream(Encoding.UTF8.GetBytes(_config!.Text)));
        await Script.InvokeVoidAsync("gateway.download", FileName(), "text/plain", stream);
    }

    private string FileName() => Path.ChangeExtension(_config!.FileName, ".conf");
}
