using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Data;

/// <summary>The database. Its unique indexes are what makes two changes at once unable to break a rule.</summary>
public sealed class GatewayDbContext(DbContextOptions<GatewayDbContext> options) : IdentityUserContext<User, Guid>(options)
{
    /// <summary>All tunnels.</summary>
    public DbSet<Tunnel> Tunnels => Set<Tunnel>();

    /// <summary>All peers.</summary>
    public DbSet<Peer> Peers => Set<Peer>();

    /// <summary>All addresses and routes of peers.</summary>
    public DbSet<PeerPrefix> Prefixes => Set<PeerPrefix>();

    /// <summary>What peers are filed under.</summary>
    public DbSet<PeerTag> PeerTags => Set<PeerTag>();

    /// <summary>Links that give a config once.</summary>
    public DbSet<ConfigLink> ConfigLinks => Set<ConfigLink>();

    /// <summary>What is wanted of kernel settings.</summary>
    public DbSet<KernelSetting> KernelSettings => Set<KernelSetting>();

    /// <summary>Browsers that signed in.</summary>
    public DbSet<UserSession> Sessions => Set<UserSession>();

    /// <summary>Bearer tokens.</summary>
    public DbSet<ApiToken> ApiTokens => Set<ApiToken>();

    /// <summary>Who did what.</summary>
    public DbSet<AuditEntry> Audit => Set<AuditEntry>();

    /// <summary>What happened.</summary>
    public DbSet<EventEntry> Events => Set<EventEntry>();

    /// <summary>What the flight recorder froze.</summary>
    public DbSet<RecordingEntry> Recordings => Set<RecordingEntry>();

    /// <summary>Whose history is kept.</summary>
    public DbSet<HistorySubject> HistorySubjects => Set<HistorySubject>();

    /// <summary>What passed, by minute, hour and day.</summary>
    public DbSet<TrafficRow> Traffic => Set<TrafficRow>();

    /// <summary>One row.</summary>
    public DbSet<Meta> Meta => Set<Meta>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        base.OnModelCreating(builder);
        builder.ApplyConfigurationsFromAssembly(typeof(GatewayDbContext).Assembly);
        builder.Entity<Tunnel>(tunnel =>
        {
            tunnel.Property(t => t.Id).ValueGeneratedNever();
            tunnel.HasIndex(t => t.Name).IsUnique();
            tunnel.HasIndex(t => t.ListenPort).IsUnique().HasFilter("\"ListenPort\" <> 0");
            tunnel.ComplexCollection(t => t.Nat, nat => nat.ToJson());
            tunnel.HasMany(t => t.Peers).WithOne(p => p.Tunnel).HasForeignKey(p => p.TunnelId).OnDelete(DeleteBehavior.Cascade);
        });
        builder.Entity<Peer>(peer =>
        {
            peer.Property(p => p.Id).ValueGeneratedNever();
            peer.HasIndex(p => new { p.TunnelId, p.Name }).IsUnique();
            peer.HasIndex(p => new { p.TunnelId, p.PublicKey }).IsUnique();
            peer.HasMany(p => p.Prefixes).WithOne(p => p.Peer).HasForeignKey(p => p.PeerId).OnDelete(DeleteBehavior.Cascade);
        });
        builder.Entity<PeerPrefix>(prefix =>
        {
            prefix.Property(p => p.Id).ValueGeneratedNever();
            // A client route is no property: many peers may be sent to one network.
            prefix.HasIndex(p => new { p.TunnelId, p.Prefix }).IsUnique().HasFilter("\"Kind\" <> 2");
            prefix.HasIndex(p => new { p.PeerId, p.Prefix, p.Kind }).IsUnique();
        });
        builder.Entity<KernelSetting>().HasKey(s => s.Path);
        builder.Entity<Meta>().Property(m => m.Id).ValueGeneratedNever();
    }
}
