using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>A link by which somebody who has no account takes a peer's config, once. Used and expired ones are deleted.</summary>
public sealed class ConfigLink
{
    /// <summary>Identifies it for good; not the secret.</summary>
    public Guid Id { get; set; }

    /// <summary>Whose config it gives.</summary>
    public Guid PeerId { get; set; }

    /// <summary>Whose config it gives.</summary>
    public Peer? Peer { get; set; }

    /// <summary>SHA-256 of the secret in its address; unique. The secret itself is not kept.</summary>
    public byte[] Hash { get; set; } = [];

    /// <summary>Who made it, by name.</summary>
    public string CreatedBy { get; set; } = "";

    /// <summary>When it was made, UTC ticks.</summary>
    public long CreatedAt { get; set; }

    /// <summary>From when on it is dead, UTC ticks.</summary>
    public long ExpiresAt { get; set; }
}

internal sealed class ConfigLinkConfiguration : IEntityTypeConfiguration<ConfigLink>
{
    public void Configure(EntityTypeBuilder<ConfigLink> builder)
    {
        builder.Property(l => l.Id).ValueGeneratedNever();
        builder.HasIndex(l => l.Hash).IsUnique();
        builder.HasOne(l => l.Peer).WithMany().HasForeignKey(l => l.PeerId).OnDelete(DeleteBehavior.Cascade);
    }
}
