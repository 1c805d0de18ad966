using Gateway.Contracts;
using Gateway.Features.Accounts.Profile;
using Gateway.Hosting;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>Who is signed in, how, and where else. What sets a cookie or takes a password is done on the plain pages that it leads to.</summary>
public sealed partial class Profile : DashboardPage
{
    private ProfileResponse? _me;
    private IReadOnlyList<SessionResponse>? _sessions;
    private Failure? _failure;

    [Inject]
    private ProfileService Service { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    [Inject]
    private GatewayOptions Options { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        // A token has no sessions to show.
        if (Caller.Identity.SessionId is not null && !(await Service.ListSessionsAsync(Leaving)).Succeeded(out _sessions, out _failure)) return;
        (await Service.GetAsync(Leaving)).Succeeded(out _me, out _failure);
    }

    private async Task EndAsync(SessionResponse session)
    {
        var ended = await Service.EndSessionAsync(session.Id, CancellationToken.None);
        await LoadAsync();
        _failure = ended.Failure;
    }
}
