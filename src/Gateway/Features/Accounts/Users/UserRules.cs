using Gateway.Contracts;
using Gateway.Data;
using Gateway.Web;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.Users;

/// <summary>What a user may be called and be.</summary>
internal static class UserRules
{
    public const int MaxNameLength = 64;
    public const int MinPasswordLength = 12;

    /// <summary>More is no safer, and hashing it costs time.</summary>
    public const int MaxPasswordLength = 256;

    public const string NameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@+";

    /// <summary>Reads a name as people type it.</summary>
    public static void CheckName(string? name, RuleErrors errors)
    {
        if (string.IsNullOrEmpty(name)) errors.Add("name", "It is missing.", $"Give 1 to {MaxNameLength} characters, such as alice.");
        else if (name.Length > MaxNameLength) errors.Add("name", $"It has {name.Length} characters.", $"Give at most {MaxNameLength}.");
        else if (name.Any(c => !NameCharacters.Contains(c, StringComparison.Ordinal)))
            errors.Add("name", "It has characters that a name cannot have.", "Use letters a to z, digits and - . _ @ +.");
    }

    /// <summary>A name that somebody has elsewhere, as it can be here: other characters become '-'.</summary>
    public static string ToName(string elsewhere)
    {
        var name = new string([.. elsewhere.Trim().Take(MaxNameLength).Select(c => NameCharacters.Contains(c, StringComparison.Ordinal) ? c : '-')]);
        return name.Trim('-').Length == 0 ? "user" : name;
    }

    public static void CheckRole(string? role, RuleErrors errors)
    {
        if (role is not (Roles.Viewer or Roles.Operator or Roles.Admin)) errors.Add("role", $"'{role}' is not known.", "It is viewer, operator or admin.");
    }

    public static void CheckPassword(string? password, string? name, RuleErrors errors)
    {
        if (string.IsNullOrEmpty(password)) errors.Add("password", "It is missing.", $"Choose {MinPasswordLength} characters or more.");
        else if (password.Length < MinPasswordLength) errors.Add("password", $"It has {password.Length} characters.", $"Choose {MinPasswordLength} or more; a few words will do.");
        else if (password.Length > MaxPasswordLength) errors.Add("password", $"It has {password.Length} characters.", $"Choose at most {MaxPasswordLength}.");
        else if (password.Distinct().Count() < 5) errors.Add("password", "It is the same few characters again and again.", "Choose one that is harder to guess.");
        else if (!string.IsNullOrEmpty(name) && name.Length >= 4 && password.Contains(name, StringComparison.OrdinalIgnoreCase))
            errors.Add("password", "It contains the name.", "Choose one that is harder to guess.");
    }

    public static async Task<Failure?> NameTakenAsync(GatewayDbContext db, ILookupNormalizer normalizer, Guid id, string name, CancellationToken cancellationToken)
    {
        var normalized = normalizer.NormalizeName(name);
        return await db.Users.AnyAsync(u => u.NormalizedUserName == normalized && u.Id != id, cancellationToken)
            ? Failure.Of(FailureKind.Conflict, "name", $"There is a user '{name}' already.", "Choose another name.")
            : null;
    }

    /// <summary>Whether somebody is left who can administer when this user no longer does. Before the first one can sign in, nothing is lost.</summary>
    public static async Task<Failure?> LastAdminAsync(GatewayDbContext db, User user, CancellationToken cancellationToken)
    {
        var admins = await db.Users.Where(u => u.Role == Roles.Admin && !u.Disabled
                && (u.PasswordHash != null || db.UserLogins.Any(l => l.UserId == u.Id) || db.UserPasskeys.Any(p => p.UserId == u.Id)))
            .Select(u => u.Id).Take(2).ToListAsync(cancellationToken);
        return admins is [var only] && only == user.Id
            ? new Failure(FailureKind.Conflict, $"'{user.UserName}' is the last admin who can sign in. Make another user admin first.", [])
            : null;
    }
}
