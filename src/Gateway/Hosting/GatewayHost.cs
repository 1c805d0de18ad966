using Gateway.Components;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Features.Accounts;
using Gateway.Features.Accounts.OpenId;
using Gateway.Features.Accounts.SignIn;
using Gateway.Features.Audit;
using Gateway.Features.Backup;
using Gateway.Features.Explain;
using Gateway.Features.Interfaces;
using Gateway.Features.Lab;
using Gateway.Features.Metrics;
using Gateway.Features.Packets;
using Gateway.Features.Packets.Watching;
using Gateway.Features.Peers;
using Gateway.Features.Recordings;
using Gateway.Features.Routes;
using Gateway.Features.Self;
using Gateway.Features.Status;
using Gateway.Features.Transfer;
using Gateway.Features.Tunnels;
using Gateway.Linux;
using Gateway.Live;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gateway.Hosting;

/// <summary>Puts the host together: services, then the way of a request.</summary>
internal static class GatewayHost
{
    public const string DefaultUrl = "http://127.0.0.1:8080";
    private const int MaxBodyBytes = 1024 * 1024;

    /// <summary>Builds the host, ready to start. Tests replace the ports by <paramref name="configure"/>. Throws <see cref="StartupException"/>.</summary>
    public static async Task<WebApplication> BuildAsync(string[] args, Action<WebApplicationBuilder>? configure = null, CancellationToken cancellationToken = default)
    {
        // The program's own files lie beside it, wherever it was started; the data directory is below where it was started.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
            ApplicationName = typeof(GatewayHost).Assembly.GetName().Name,
        });
        builder.WebHost.UseStaticWebAssets();
        // The files do not change while it runs; looked at anew, they would be served without compression when run from the build.
        builder.WebHost.UseSetting("ReloadStaticAssetsAtRuntime", "false");
        ListenUrls.Check(builder.Configuration[WebHostDefaults.ServerUrlsKey]);
        if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey]) && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls(DefaultUrl);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.ConfigureHttpsDefaults(https => https.ServerCertificateSelector = (_, _) => kestrel.ApplicationServices.GetRequiredService<HttpsCertificate>().Current);
        });
        // A start that fails ends in one sentence by Program; these would add stack traces to it.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        // Addresses of requests may hold the secret of a one-time link.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning).AddFilter("Microsoft.AspNetCore.Routing", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", level => level is LogLevel.Warning or LogLevel.Error);
        // The framework's handler tells of every request without a token, twice; a person who forgot theirs is nothing for the log.
        builder.Logging.AddFilter(typeof(TokenAuthentication).FullName, LogLevel.Warning);
        // Every stranger's attempt would be an error with a stack trace; what fails is in the audit, by its reason.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Authentication.OpenIdConnect", LogLevel.None);
        configure?.Invoke(builder);
        AddServices(builder);
        var app = builder.Build();
        try
        {
            CheckSurroundings(app.Services.GetRequiredService<IKernelSettings>());
            await app.Services.GetRequiredService<FirstStart>().RunAsync(cancellationToken);
            app.Services.GetRequiredService<HttpsCertificate>().Check();
            MapRequests(app);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static void AddServices(WebApplicationBuilder builder)
    {
        var options = GatewayOptions.Read(builder.Configuration);
        var directory = DataDirectory.Open(options.DataDirectory);
        var services = builder.Services;
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(5));
        services.AddSingleton(options);
        services.AddSingleton(options.Https).AddSingleton<HttpsCertificate>().AddHostedService(s => s.GetRequiredService<HttpsCertificate>());
        // Made by a factory so that the container disposes of it, which gives the lock back.
        services.AddSingleton(_ => directory);
        services.TryAddPorts();
        services.AddSingleton<ICryptoPrimitives, LibcryptoPrimitives>();
        services.AddSingleton(s => new DataPlane(
            new DataPlaneOptions { FlowCapacity = options.FlowCapacity, RecordedPeers = options.RecordedPeers, PacketSnapBytes = PacketFeed.SnapBytes(options) }, s.GetRequiredService<ITunnelPorts>(), s.GetRequiredService<ICryptoPrimitives>(),
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<DataPlane>>()));
        services.AddDbContextFactory<GatewayDbContext>(db => db.UseSqlite(
            $"Data Source={directory.Database};Default Timeout=10", sqlite => sqlite.MigrationsAssembly("Gateway.Migrations.Sqlite"))
            // SQLite makes a table anew outside of the migration's transaction. What stands in for it is the copy made before (DatabaseCopies).
            .ConfigureWarnings(warnings => warnings.Log((RelationalEventId.NonTransactionalMigrationOperationWarning, LogLevel.Debug))));
        services.AddDataProtection().SetApplicationName("Gateway").PersistKeysToFileSystem(directory.Keys);
        services.AddSingleton<SecretVault>().AddSingleton<FirstStart>()
            .AddSingleton<SnapshotLoader>().AddSingleton<ControlSockets>().AddSingleton<Reconciler>().AddSingleton<WriteGate>().AddSingleton<KernelKeeper>().AddSingleton<TableKeeper>().AddSingleton<EndpointMemory>()
            .AddPeers()
            .AddScoped<Caller>().AddScoped<Changes>().AddScoped<AuditTrail>()
            .AddScoped<TunnelService>().AddScoped<InterfaceService>().AddScoped<HostService>().AddScoped<PacketService>().AddScoped<StatusService>().AddScoped<ReversePathWarnings>();
        services.AddBackup();
        services.AddTransfer();
        services.AddExplain();
        services.AddRecordings();
        services.AddLab();
        services.AddHostedService<DataPlaneService>();
        services.AddLive();
        services.AddAccounts(options);
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Problems.Complete);
        services.AddExceptionHandler<ExceptionProblems>();
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddGatewayMetrics(builder.Configuration);
        services.AddApiPage();
        services.AddDashboard();
    }

    // Without devices there is no gateway: better said now than by every tunnel.
    private static void CheckSurroundings(IKernelSettings kernel)
    {
        var missing = kernel.WhatIsMissing();
        if (missing.Count > 0) throw new StartupException(string.Join(Environment.NewLine, missing));
    }

    private static void TryAddPorts(this IServiceCollection services)
    {
        if (services.All(s => s.ServiceType != typeof(TimeProvider))) services.AddSingleton(TimeProvider.System);
        if (services.All(s => s.ServiceType != typeof(ITunnelPorts))) services.AddSingleton<ITunnelPorts>(s => new LinuxTunnelPorts(s.GetRequiredService<ILoggerFactory>()));
        if (services.All(s => s.ServiceType != typeof(IKernelSettings))) services.AddSingleton<IKernelSettings, LinuxKernelSettings>();
        if (services.All(s => s.ServiceType != typeof(IPacketRules))) services.AddSingleton<IPacketRules, LinuxPacketRules>();
        services.TryAddSingleton<IKernelRoutes, LinuxKernelRoutes>();
    }

    // The way of a request: headers, errors, who is it, may they in at all, the API page, the API, the dashboard.
    private static void MapRequests(WebApplication app)
    {
        app.UseTrustedProxies();
        app.Use(SecurityHeaders.Add);
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseDashboardErrors();
        app.UseRouting();
        app.UseAuthentication();
        app.UseCaller();
        app.UseAuthorization();
        app.UseApiPage();
        app.MapHealth();
        app.MapMetrics();
        var api = app.MapGroup("/api/v1").RequireAuthorization().ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden).AddEndpointFilter(DryRun.Filter);
        api.MapTunnels();
        api.MapPeers();
        api.MapRoutes();
        api.MapSelf();
        api.MapInterfaces();
        api.MapHost();
        api.MapPackets();
        api.MapBackup();
        api.MapTransfer();
        api.MapStatus();
        api.MapExplain();
        api.MapRecordings();
        api.MapLab();
        api.MapLive();
        app.MapHub<LiveHub>(LiveHub.Path);
        api.MapAccounts();
        app.MapConfigLinks();
        app.MapPasskeys();
        app.MapOpenId();
        app.MapDashboard();
    }
}
