using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>Who did what, when and from where. Entries are only ever added.</summary>
public sealed class AuditEntry
{
    /// <summary>Identifies it for good.</summary>
    public Guid Id { get; set; }

    /// <summary>When, UTC ticks.</summary>
    public long At { get; set; }

    /// <summary>"user", "token" or "system".</summary>
    public string ActorKind { get; set; } = "";

    /// <summary>The user's or the token's id; null for the gateway itself and for people who are not known.</summary>
    public Guid? ActorId { get; set; }

    /// <summary>The name then.</summary>
    public string Actor { get; set; } = "";

    /// <summary>The address that the request came from; null where there is none.</summary>
    public string? From { get; set; }

    /// <summary>What was done, such as "peer.update" or "sign-in.failed".</summary>
    public string Action { get; set; } = "";

    /// <summary>To what, as people call it.</summary>
    public string Subject { get; set; } = "";

    /// <summary>The members that changed, as they were: JSON without secrets; null where it was made.</summary>
    public string? Before { get; set; }

    /// <summary>The same members as they became; null where it was deleted.</summary>
    public string? After { get; set; }

    /// <summary>The revision that it made; null where it was no change of the configuration.</summary>
    public long? Revision { get; set; }
}

internal sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> builder)
    {
        builder.Property(e => e.Id).ValueGeneratedNever();
        builder.HasIndex(e => e.At);
    }
}
