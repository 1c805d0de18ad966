using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>What the flight recorder held of a peer when something was raised about it. The table is bounded: the oldest go.</summary>
public sealed class RecordingEntry
{
    /// <summary>Goes up with each.</summary>
    public long Id { get; set; }

    /// <summary>When it was frozen, UTC ticks.</summary>
    public long At { get; set; }

    /// <summary>The tunnel's name then. Names, not keys: a recording outlives whom it is about.</summary>
    public string Tunnel { get; set; } = "";

    /// <summary>The peer.</summary>
    public Guid PeerId { get; set; }

    /// <summary>The peer's name then.</summary>
    public string Peer { get; set; } = "";

    /// <summary>The event that it was frozen for: its kind.</summary>
    public string Kind { get; set; } = "";

    /// <summary>The event's sentence.</summary>
    public string Text { get; set; } = "";

    /// <summary>How many entries <see cref="Packets"/> has.</summary>
    public int Count { get; set; }

    /// <summary>The packets' headers, as compressed JSON.</summary>
    public byte[] Packets { get; set; } = [];
}

internal sealed class RecordingEntryConfiguration : IEntityTypeConfiguration<RecordingEntry>
{
    public void Configure(EntityTypeBuilder<RecordingEntry> builder)
    {
        builder.ToTable("Recordings");
        builder.HasIndex(r => r.PeerId);
    }
}
