using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Gateway.Components.Layout;

/// <summary>The frame of every interactive page: bar, navigation, content, and what takes the place of a page that broke.</summary>
public sealed partial class MainLayout : LayoutComponentBase
{
    private bool _menuOpen = true;
    private ErrorBoundary? _boundary;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    // The document has a <base>, so a bare #content would lead to the first page.
    private string SkipTarget => $"{new Uri(Navigation.Uri).PathAndQuery}#content";

    /// <inheritdoc/>
    protected override void OnParametersSet() => _boundary?.Recover();
}
