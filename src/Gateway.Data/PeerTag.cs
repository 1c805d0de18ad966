using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>One word that a peer is filed under.</summary>
public sealed class PeerTag
{
    /// <summary>Whose it is.</summary>
    public Guid PeerId { get; set; }

    /// <summary>The word.</summary>
    public string Tag { get; set; } = "";
}

internal sealed class PeerTagConfiguration : IEntityTypeConfiguration<PeerTag>
{
    public void Configure(EntityTypeBuilder<PeerTag> builder)
    {
        builder.HasKey(t => new { t.PeerId, t.Tag });
        builder.HasIndex(t => new { t.Tag, t.PeerId });
        builder.HasOne<Peer>().WithMany(p => p.Tags).HasForeignKey(t => t.PeerId).OnDelete(DeleteBehavior.Cascade);
    }
}

/// <summary>What the many ways to look for a peer need.</summary>
internal sealed class PeerConfiguration : IEntityTypeConfiguration<Peer>
{
    public void Configure(EntityTypeBuilder<Peer> builder)
    {
        builder.Property(p => p.Enabled).HasDefaultValue(true).HasSentinel(true);
        builder.HasIndex(p => new { p.TunnelId, p.PreviousPublicKey }).IsUnique();
        builder.HasIndex(p => p.Name);
        builder.HasIndex(p => p.PublicKey);
        builder.HasIndex(p => p.ExpiresAt).HasFilter("\"ExpiresAt\" IS NOT NULL");
        builder.HasIndex(p => p.PreviousKeyUntil).HasFilter("\"PreviousKeyUntil\" IS NOT NULL");
    }
}
