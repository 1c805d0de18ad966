using System.Buffers.Text;
using System.Security.Cryptography;
using Gateway.Data;
using Gateway.Security;

namespace Gateway.Features.Accounts.Users;

/// <summary>The one-time link with which a user chooses a password: at first, and again when it was forgotten. A new one ends the old one.</summary>
internal static class Invitation
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(3);

    /// <summary>Makes a link; what is kept of it is a hash.</summary>
    /// <returns>The path of the page that it leads to.</returns>
    public static string Make(User user, DateTimeOffset now)
    {
        var code = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        user.InvitationHash = Credentials.Hash(code);
        user.InvitationExpiresAt = (now + Lifetime).UtcTicks;
        return $"/account/invitation/{code}";
    }

    public static void Use(User user) => (user.InvitationHash, user.InvitationExpiresAt) = (null, null);
}
