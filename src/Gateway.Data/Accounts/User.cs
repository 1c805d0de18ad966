using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>A person who signs in.</summary>
public sealed class User : IdentityUser<Guid>
{
    /// <summary>"viewer", "operator" or "admin".</summary>
    public string Role { get; set; } = "";

    /// <summary>May see packets, whatever the role.</summary>
    public bool SeesPackets { get; set; }

    /// <summary>May not sign in, and has no access by what was given out before.</summary>
    public bool Disabled { get; set; }

    /// <summary>When they last signed in, UTC ticks; null = never.</summary>
    public long? LastSignInAt { get; set; }

    /// <summary>SHA-256 of the one-time link with which they choose a password; null = there is none. Unique.</summary>
    public byte[]? InvitationHash { get; set; }

    /// <summary>From when on the link is dead, UTC ticks.</summary>
    public long? InvitationExpiresAt { get; set; }

    /// <summary>When it was made, UTC ticks.</summary>
    public long CreatedAt { get; set; }

    /// <summary>The revision that changed it last; its ETag.</summary>
    public long Revision { get; set; }
}

internal sealed class UserConfiguration : IEntityTypeConfiguration<User>
{
    public void Configure(EntityTypeBuilder<User> builder)
    {
        builder.Property(u => u.Id).ValueGeneratedNever();
        builder.HasIndex(u => u.InvitationHash).IsUnique();
        builder.HasMany<UserSession>().WithOne(s => s.User).HasForeignKey(s => s.UserId).OnDelete(DeleteBehavior.Cascade);
        builder.HasMany<ApiToken>().WithOne(t => t.Owner).HasForeignKey(t => t.OwnerId).OnDelete(DeleteBehavior.Cascade);
    }
}
