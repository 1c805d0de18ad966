using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway user</c>.</summary>
internal static class UserCommands
{
    public static Command Build() => new("user", "People who may sign in.") { List(), Show(), Add(), Set(), Delete(), Invite(), ResetSecondFactor(), SignOut() };

    /// <summary>What can be set of a user.</summary>
    private static SettingsOptions Settings() => new SettingsOptions()
        .Text(nameof(UserSettings.Role), "--role", "", "What they may do: viewer reads (the default), operator also changes peers and routes, admin does all but see packets.", Roles.Viewer, Roles.Operator, Roles.Admin)
        .Flag(nameof(UserSettings.SeesPackets), "--sees-packets", "Whether they may see packets, which comes with no role.")
        .Flag(nameof(UserSettings.Disabled), "--disabled", "Whether they are kept out.");

    private static ApiCommand List()
    {
        var search = new Option<string?>("--search") { HelpName = "TEXT", Description = "A piece of the name." };
        var role = new Option<string?>("--role") { HelpName = "ROLE", Description = "Only those with this role." };
        role.CompletionSources.Add(Roles.Viewer, Roles.Operator, Roles.Admin);
        return new ApiCommand("list", "List users.", "ListUsers").Listing().With(search, role)
            .Does(session => session.ListAsync<UserResponse>(page => session.Api.Accounts.ListUsersAsync(session.Value(search), session.Value(role), page, session.Stopped),
                nameof(UserResponse.Name), nameof(UserResponse.Role), nameof(UserResponse.SeesPackets), nameof(UserResponse.Disabled), nameof(UserResponse.SignInMethods),
                nameof(UserResponse.SecondFactor), nameof(UserResponse.LastSignInAt)));
    }

    private static ApiCommand Show()
    {
        var user = User();
        return new ApiCommand("show", "Show a user.", "GetUser").With(user)
            .Does(async session => session.Show(await session.Api.Accounts.GetUserAsync(await FindAsync(session, user), session.Stopped)));
    }

    private static ApiCommand Add()
    {
        var name = new Argument<string>("NAME") { Description = "The name to sign in with." };
        var settings = Settings().Given(nameof(UserSettings.Name), name);
        return new ApiCommand("add", "Make a user, and the one-time link with which they choose a password.", "CreateUser").Changing(existing: false).With(name).Taking(settings)
            .Does(async session => session.SayAndShow(
                await session.Api.Accounts.CreateUserAsync(SettingsOptions.As<UserSettings>(session.Settings(settings)), session.Change, session.Stopped),
                user => $"Made user {user.Name}. The invitation link is shown this once."));
    }

    private static ApiCommand Set()
    {
        var user = User();
        var settings = Settings().Text(nameof(UserSettings.Name), "--name", "NAME", "Another name.").Clearable();
        return new ApiCommand("set", "Change a user; access follows at once.", "UpdateUser").Changing().With(user).Taking(settings)
            .Does(async session => session.SayAndShow(
                await session.Api.Accounts.UpdateUserAsync(await FindAsync(session, user), session.Settings(settings), session.Change, session.Stopped), changed => $"Changed user {changed.Name}."));
    }

    private static ApiCommand Delete()
    {
        var user = User();
        return new ApiCommand("delete", "Delete a user with their sessions and tokens.", "DeleteUser").Changing().With(user).Does(async session =>
            session.Say(await session.Api.Accounts.DeleteUserAsync(await FindAsync(session, user), session.Change, session.Stopped), $"Deleted user {session.Value(user)}."));
    }

    private static ApiCommand Invite()
    {
        var user = User();
        return new ApiCommand("invite", "Make a new one-time link with which the user chooses a password.", "InviteUser").With(user).Does(async session =>
            session.SayAndShow(await session.Api.Accounts.InviteUserAsync(await FindAsync(session, user), session.Stopped), invited => $"Invited {invited.Name}. The link is shown this once."));
    }

    private static ApiCommand ResetSecondFactor()
    {
        var user = User();
        return new ApiCommand("reset-second-factor", "Take a user's authenticator, recovery codes and passkeys away.", "ResetSecondFactor").Changing(existing: false).With(user).Does(async session =>
            session.Say(await session.Api.Accounts.ResetSecondFactorAsync(await FindAsync(session, user), session.Change, session.Stopped), $"{session.Value(user)} signs in with the password alone now."));
    }

    private static ApiCommand SignOut()
    {
        var user = User();
        return new ApiCommand("sign-out", "Sign a user out everywhere.", "EndUserSessions").Changing(existing: false).With(user).Does(async session =>
            session.Say(await session.Api.Accounts.EndUserSessionsAsync(await FindAsync(session, user), session.Change, session.Stopped), $"Signed {session.Value(user)} out everywhere."));
    }

    private static Argument<string> User() => new Argument<string>("USER") { Description = "The user's name or id." }.Completing(async (api, cancellationToken) =>
        (await ApiSession.AllAsync<UserResponse>(page => api.Accounts.ListUsersAsync(page: page, cancellationToken: cancellationToken))).Select(u => u.Name));

    private static async Task<Guid> FindAsync(ApiSession session, Argument<string> user)
    {
        var given = session.Value(user);
        if (Guid.TryParse(given, out var id)) return id;
        var found = (await ApiSession.AllAsync<UserResponse>(page => session.Api.Accounts.ListUsersAsync(given, null, page, session.Stopped)))
            .SingleOrDefault(u => u.Name.Equals(given, StringComparison.OrdinalIgnoreCase));
        return found?.Id ?? throw new CommandException($"There is no user '{given}'. \"gateway user list\" shows all.", ExitCodes.NotFound);
    }
}
