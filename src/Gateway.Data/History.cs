using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Gateway.Data;

/// <summary>Whose history is kept: a tunnel or a peer, under a small number.</summary>
public sealed class HistorySubject
{
    /// <summary>The number; never used again.</summary>
    public int Id { get; set; }

    /// <summary>The tunnel's or the peer's.</summary>
    public Guid Key { get; set; }
}

/// <summary>
/// What passed in one minute, hour or day. Key and order in one number, so that a row is little more than its figures (SQLite keeps the table in
/// the order of an integer key) and new ones are put behind the others: from the top two bits of level, 26 bits of the period's number, 24 bits of
/// the subject's.
/// </summary>
public sealed class TrafficRow
{
    /// <summary>Level, period and subject.</summary>
    public long Id { get; set; }

    /// <summary>UDP payload bytes from it.</summary>
    public long ReceivedBytes { get; set; }

    /// <summary>UDP payload bytes to it.</summary>
    public long SentBytes { get; set; }

    /// <summary>Inner packets passed from it.</summary>
    public long ReceivedPackets { get; set; }

    /// <summary>Inner packets passed to it.</summary>
    public long SentPackets { get; set; }

    /// <summary>Packets not passed on.</summary>
    public long Drops { get; set; }
}

internal sealed class HistorySubjectConfiguration : IEntityTypeConfiguration<HistorySubject>
{
    public void Configure(EntityTypeBuilder<HistorySubject> builder)
    {
        builder.ToTable("HistorySubjects");
        builder.HasIndex(s => s.Key).IsUnique();
    }
}

internal sealed class TrafficRowConfiguration : IEntityTypeConfiguration<TrafficRow>
{
    public void Configure(EntityTypeBuilder<TrafficRow> builder)
    {
        builder.ToTable("Traffic");
        builder.Property(t => t.Id).ValueGeneratedNever();
    }
}
