using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway audit</c> and <c>gateway profile</c>.</summary>
internal static class AuditCommands
{
    public static Command Audit()
    {
        var actor = new Option<string?>("--actor") { HelpName = "NAME", Description = "Only what this user or token did." };
        var action = new Option<string?>("--action") { HelpName = "ACTION", Description = "Only this, or what begins so: peer, sign-in.failed." };
        var subject = new Option<string?>("--subject") { HelpName = "NAME", Description = "Only what was done to this." };
        var from = new Option<string?>("--from") { HelpName = "ADDRESS", Description = "Only what came from this address." };
        var since = Times.Option("--since", "From when on: 2030-01-31, 2030-01-31T12:00:00Z, or before now: 12h, 30d.", ahead: false);
        var until = Times.Option("--until", "Until when.", ahead: false);
        var list = new ApiCommand("list", "List who did what, when and from where; newest first.", "ListAudit").Listing(100).With(actor, action, subject, from, since, until)
            .Does(session => session.ListAsync<AuditResponse>(
                page => session.Api.Accounts.ListAuditAsync(session.Value(actor), session.Value(action), session.Value(subject), session.Value(from), session.Value(since), session.Value(until), page, session.Stopped),
                nameof(AuditResponse.At), nameof(AuditResponse.ActorKind), nameof(AuditResponse.Actor), nameof(AuditResponse.From), nameof(AuditResponse.Action), nameof(AuditResponse.Subject),
                nameof(AuditResponse.Revision)));
        return new Command("audit", "Who did what.") { list };
    }

    public static Command Profile() => new("profile", "Who the token acts for.") { Show(), Sessions(), SignOut() };

    private static ApiCommand Show() => new ApiCommand("show", "Show who is calling, and what they may do.", "GetProfile")
        .Does(async session => session.Show(await session.Api.Accounts.GetProfileAsync(session.Stopped)));

    private static ApiCommand Sessions() => new ApiCommand("sessions", "List the browsers that are signed in as the caller.", "ListOwnSessions")
        .Does(async session => session.Show(await session.Api.Accounts.ListOwnSessionsAsync(session.Stopped)));

    private static ApiCommand SignOut()
    {
        var id = new Argument<Guid>("SESSION") { Description = "The session's id." };
        return new ApiCommand("sign-out", "Sign one of the caller's browsers out.", "EndOwnSession").Changing(existing: false).With(id)
            .Does(async session => session.Say(await session.Api.Accounts.EndOwnSessionAsync(session.Value(id), session.Change, session.Stopped), "Signed it out."));
    }
}
