using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>A browser that signed in. Its cookie names this row, and is worth nothing once the row is gone.</summary>
public sealed class UserSession
{
    /// <summary>Identifies it for good.</summary>
    public Guid Id { get; set; }

    /// <summary>Whose it is.</summary>
    public Guid UserId { get; set; }

    /// <summary>Whose it is.</summary>
    public User? User { get; set; }

    /// <summary>When they signed in, UTC ticks.</summary>
    public long CreatedAt { get; set; }

    /// <summary>When it was last used, UTC ticks.</summary>
    public long LastUsedAt { get; set; }

    /// <summary>The address it was last used from; null = not known.</summary>
    public string? LastUsedFrom { get; set; }

    /// <summary>What the browser called itself when they signed in; null = nothing.</summary>
    public string? Browser { get; set; }
}

internal sealed class UserSessionConfiguration : IEntityTypeConfiguration<UserSession>
{
    public void Configure(EntityTypeBuilder<UserSession> builder) => builder.Property(s => s.Id).ValueGeneratedNever();
}
