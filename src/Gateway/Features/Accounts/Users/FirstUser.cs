using Gateway.Contracts;
using Gateway.Data;

namespace Gateway.Features.Accounts.Users;

/// <summary>The user who comes with the first start: an admin, who may see packets because nobody else could give it to them.</summary>
internal static class FirstUser
{
    public static User Make(string name, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now),
        UserName = name,
        Role = Roles.Admin,
        SeesPackets = true,
        LockoutEnabled = true,
        SecurityStamp = Guid.NewGuid().ToString(),
        CreatedAt = now.UtcTicks,
    };
}
