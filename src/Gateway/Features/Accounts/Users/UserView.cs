using Gateway.Contracts;
using Gateway.Data;
using Gateway.Security;

namespace Gateway.Features.Accounts.Users;

/// <summary>A user with what is asked of other tables, in one query.</summary>
internal sealed record UserRow(User User, bool HasPasskey, bool HasLogin);

/// <summary>How users are shown.</summary>
internal static class UserView
{
    public static IQueryable<UserRow> Rows(this IQueryable<User> users, GatewayDbContext db) =>
        users.Select(u => new UserRow(u, db.UserPasskeys.Any(p => p.UserId == u.Id), db.UserLogins.Any(l => l.UserId == u.Id)));

    public static UserResponse Show(UserRow row, DateTimeOffset now)
    {
        var user = row.User;
        return new UserResponse
        {
            Id = user.Id,
            Name = user.UserName!,
            Role = user.Role,
            SeesPackets = user.SeesPackets,
            Disabled = user.Disabled,
            Permissions = Permissions.ToScopes(Permissions.Of(user)),
            SignInMethods = [.. Methods(row)],
            SecondFactor = user.TwoFactorEnabled,
            LockedUntil = user.LockoutEnd > now ? user.LockoutEnd : null,
            InvitationExpiresAt = user.InvitationExpiresAt > now.UtcTicks ? Time(user.InvitationExpiresAt) : null,
            LastSignInAt = Time(user.LastSignInAt),
            CreatedAt = new DateTimeOffset(user.CreatedAt, TimeSpan.Zero),
            Revision = user.Revision,
        };
    }

    /// <summary>What can be set of them, as it is: the document of the audit.</summary>
    public static UserSettings Read(User user) => new() { Name = user.UserName, Role = user.Role, SeesPackets = user.SeesPackets, Disabled = user.Disabled };

    public static DateTimeOffset? Time(long? ticks) => ticks is { } t ? new DateTimeOffset(t, TimeSpan.Zero) : null;

    private static IEnumerable<string> Methods(UserRow row)
    {
        if (row.User.PasswordHash is not null) yield return "password";
        if (row.HasPasskey) yield return "passkey";
        if (row.HasLogin) yield return "openid";
    }
}
