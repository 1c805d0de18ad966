using System.Buffers.Text;
using System.Security.Cryptography;
using Gateway.Data;
using Gateway.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>
/// While there is no user, each start writes a link to the log with which the first one is made. It lives in memory only: used once, an hour at
/// most, and never beyond a restart.
/// </summary>
internal sealed partial class SetupLink(IDbContextFactory<GatewayDbContext> contexts, IServer server, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<SetupLink> logger)
    : IHostedService
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);
    private byte[]? _hash;
    private DateTimeOffset _until;

    /// <summary>Whether this code opens the set-up now. That no user exists yet is checked by whoever makes the first one.</summary>
    public bool Opens(string code) =>
        _hash is { } hash && time.GetUtcNow() < _until && CryptographicOperations.FixedTimeEquals(hash, Credentials.Hash(code));

    /// <summary>It was used.</summary>
    public void Close() => _hash = null;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.Users.AnyAsync(cancellationToken)) return;
        // The addresses are known only when the server listens.
        lifetime.ApplicationStarted.Register(Announce);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Announce()
    {
        var code = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        (_hash, _until) = (Credentials.Hash(code), time.GetUtcNow() + Lifetime);
        var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? Hosting.GatewayHost.DefaultUrl;
        // Every address is none that a browser can open.
        var uri = address.Replace("://[::]", "://localhost", StringComparison.Ordinal).Replace("://0.0.0.0", "://localhost", StringComparison.Ordinal)
            .Replace("://*", "://localhost", StringComparison.Ordinal).Replace("://+", "://localhost", StringComparison.Ordinal);
        LogLink(uri, code);
    }

    [LoggerMessage(EventId = 1804, Level = LogLevel.Information, Message = "There is no user yet. Make the first one within an hour, once: {Address}/account/set-up/{Code}")]
    private partial void LogLink(string address, string code);
}
