using Gateway.Data;
using Gateway.Engine.Ports;
using Gateway.Linux.Settings;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Hosting;

/// <summary>
/// <c>Gateway --restore-kernel</c>, for when a gateway is uninstalled: gives every kernel setting that it manages the value that it found, takes its nftables
/// table away, and ends. The database stays as it is: a later start sets everything again.
/// </summary>
internal static class KernelRestore
{
    public const string Option = "--restore-kernel";

    public static async Task<int> RunAsync(string[] args)
    {
        var options = GatewayOptions.Read(new ConfigurationBuilder().SetBasePath(AppContext.BaseDirectory).AddJsonFile("appsettings.json", optional: true)
            .AddEnvironmentVariables().AddCommandLine(args).Build());
        if (!File.Exists(Path.Combine(options.DataDirectory, "gateway.db")))
            throw new StartupException($"There is no gateway's data in '{Path.GetFullPath(options.DataDirectory)}'. Give its directory with --Gateway:DataDirectory=PATH.");
        // Its lock says whether a gateway still runs, which would set everything again.
        using var directory = DataDirectory.Open(options.DataDirectory);
        await using var db = new GatewayDbContext(new DbContextOptionsBuilder<GatewayDbContext>()
            .UseSqlite($"Data Source={directory.Database};Mode=ReadOnly", sqlite => sqlite.MigrationsAssembly("Gateway.Migrations.Sqlite")).Options);
        if ((await db.Database.GetPendingMigrationsAsync()).Any())
            throw new StartupException($"{directory.Database} is of another version. Use the one that ran last.");
        return await RestoreAsync(db, new LinuxKernelSettings(), new LinuxPacketRules(), Console.Out);
    }

    /// <summary>Does it, and says what was done; 1 where something was refused.</summary>
    public static async Task<int> RestoreAsync(GatewayDbContext db, IKernelSettings kernel, IPacketRules rules, TextWriter output)
    {
        var failed = false;
        foreach (var setting in await KernelKeeper.OriginalsAsync(db, CancellationToken.None))
        {
            if (kernel.Read(setting.Path) is not { } now || now == setting.Original) continue;
            await TryAsync($"{KernelSettings.NameOf(setting.Path)} = {setting.Original}", () => kernel.Write(setting.Path, setting.Original!.Value));
        }

        await TryAsync("nftables table inet gateway: removed", () => TableKeeper.Remove(rules));
        return failed ? 1 : 0;

        async Task TryAsync(string what, Action action)
        {
            try
            {
                action();
                await output.WriteLineAsync(what);
            }
            catch (PortException e)
            {
                failed = true;
                await output.WriteLineAsync($"{what}: refused: {e.Message} {e.Remedy}");
            }
        }
    }
}
