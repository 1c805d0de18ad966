using Gateway.Features.Accounts.SignIn;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;

namespace Gateway.Components.Account;

/// <summary>
/// A page that is a plain request and its answer, because it sets or takes a cookie, which cannot be done over a circuit. Its forms carry an
/// antiforgery token and work without script.
/// </summary>
public abstract class AccountPage : ComponentBase
{
    /// <summary>The request.</summary>
    [CascadingParameter]
    protected HttpContext Context { get; set; } = default!;

    /// <summary>Where to go on afterwards: a path of this gateway.</summary>
    [SupplyParameterFromQuery]
    protected string? ReturnUrl { get; set; }

    /// <summary>Moves the browser on.</summary>
    [Inject]
    protected NavigationManager Navigation { get; set; } = default!;

    /// <summary>Words that all these pages share.</summary>
    [Inject]
    private IStringLocalizer<AccountPage> Words { get; set; } = default!;

    /// <summary>What was wrong, for the person; null shows nothing.</summary>
    protected string? Problem { get; set; }

    /// <summary>The return address if it is a path here, else the overview: nobody shall be sent elsewhere by a crafted link (CWE-601).</summary>
    protected string SafeReturnUrl => ReturnUrl is ['/', ..] and not ['/', '/' or '\\', ..] && !ReturnUrl.Any(char.IsControl) ? ReturnUrl : "/";

    /// <summary>The address of another of these pages, with the return address.</summary>
    protected string Page(string path) => SafeReturnUrl == "/" ? path : $"{path}?returnUrl={Uri.EscapeDataString(SafeReturnUrl)}";

    /// <summary>Goes on after an attempt, or says what became of it.</summary>
    private protected void Conclude(SignInOutcome outcome)
    {
        switch (outcome.State)
        {
            case SignInState.SignedIn:
                Navigation.NavigateTo(SafeReturnUrl, forceLoad: true);
                break;
            case SignInState.SecondFactor:
                Navigation.NavigateTo(Page("/account/second-factor"));
                break;
            case SignInState.TooMany:
                var seconds = (int)Math.Ceiling((outcome.RetryAfter ?? TimeSpan.FromSeconds(15)).TotalSeconds);
                Context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
                Context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
                Problem = Words["TooMany", seconds];
                break;
            case SignInState.Expired:
                Problem = Words["Expired"];
                break;
            default:
                Problem = Words["Refused"];
                break;
        }
    }

    /// <summary>Says what a service refused.</summary>
    private protected void Say(Failure failure)
    {
        if (failure.Kind is FailureKind.NotFound) Context.Response.StatusCode = StatusCodes.Status410Gone;
        if (failure.Kind is FailureKind.TooMany) Context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        Problem = failure.Errors.Count == 0 ? failure.Detail : string.Join(' ', failure.Errors.Select(e => $"{Words[$"Field_{e.Field}"]}: {e.Detail} {e.Expected}"));
    }
}
