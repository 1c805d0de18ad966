using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>A bearer token of the API. The token itself is not kept.</summary>
public sealed class ApiToken
{
    /// <summary>Identifies it for good.</summary>
    public Guid Id { get; set; }

    /// <summary>What people call it.</summary>
    public string Name { get; set; } = "";

    /// <summary>SHA-256 of the token's UTF-8 bytes; unique. A token has 256 random bits, which no slow hash makes harder to guess.</summary>
    public byte[] Hash { get; set; } = [];

    /// <summary>For whom it acts: it may never do more than they may now. Null: the gateway's own, made at the first start or by such a token.</summary>
    public Guid? OwnerId { get; set; }

    /// <summary>For whom it acts.</summary>
    public User? Owner { get; set; }

    /// <summary>What it may do, as words of the API.</summary>
    public List<string> Scopes { get; set; } = [];

    /// <summary>From when on it is not honoured, UTC ticks; null = never.</summary>
    public long? ExpiresAt { get; set; }

    /// <summary>When it was last used, UTC ticks; null = never.</summary>
    public long? LastUsedAt { get; set; }

    /// <summary>The address it was last used from.</summary>
    public string? LastUsedFrom { get; set; }

    /// <summary>When it was made, UTC ticks.</summary>
    public long CreatedAt { get; set; }

    /// <summary>The revision that changed it last; its ETag.</summary>
    public long Revision { get; set; }
}

internal sealed class ApiTokenConfiguration : IEntityTypeConfiguration<ApiToken>
{
    public void Configure(EntityTypeBuilder<ApiToken> builder)
    {
        builder.Property(t => t.Id).ValueGeneratedNever();
        builder.HasIndex(t => t.Hash).IsUnique();
    }
}
