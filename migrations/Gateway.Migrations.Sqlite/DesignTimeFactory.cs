using Gateway.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Gateway.Migrations.Sqlite;

/// <summary>
/// Gives <c>dotnet ef</c> a context: <c>dotnet tool restore</c>, then
/// <c>dotnet ef migrations add NAME --project migrations/Gateway.Migrations.Sqlite</c>. It never opens the file named here.
/// </summary>
public sealed class DesignTimeFactory : IDesignTimeDbContextFactory<GatewayDbContext>
{
    /// <inheritdoc/>
    public GatewayDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<GatewayDbContext>()
            .UseSqlite("Data Source=design-time.db", sqlite => sqlite.MigrationsAssembly(typeof(DesignTimeFactory).Assembly.GetName().Name))
            .Options);
}
