using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>Something that happened. The table is bounded: the oldest go.</summary>
public sealed class EventEntry
{
    /// <summary>Goes up with each event.</summary>
    public long Id { get; set; }

    /// <summary>When, UTC ticks.</summary>
    public long At { get; set; }

    /// <summary>What, for programs.</summary>
    public string Kind { get; set; } = "";

    /// <summary>"info", "warning" or "error".</summary>
    public string Severity { get; set; } = "";

    /// <summary>The tunnel's name then; null = it is of none. Names, not keys: an event outlives whom it is about.</summary>
    public string? Tunnel { get; set; }

    /// <summary>The peer; null = it is of none.</summary>
    public Guid? PeerId { get; set; }

    /// <summary>The peer's name then.</summary>
    public string? Peer { get; set; }

    /// <summary>One sentence.</summary>
    public string Text { get; set; } = "";

    /// <summary>What to do about it; null = nothing.</summary>
    public string? Remedy { get; set; }

    /// <summary>Remedies as the API writes them, as JSON; null = none.</summary>
    public string? Remedies { get; set; }

    /// <summary>Names and values that show it, as JSON; null = none.</summary>
    public string? Evidence { get; set; }
}

internal sealed class EventEntryConfiguration : IEntityTypeConfiguration<EventEntry>
{
    public void Configure(EntityTypeBuilder<EventEntry> builder)
    {
        builder.ToTable("Events");
        builder.Property(e => e.Id).ValueGeneratedNever();
    }
}
