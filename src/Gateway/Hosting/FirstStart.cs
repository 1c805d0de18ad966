using System.Buffers.Text;
using System.Security.Cryptography;
using Gateway.Data;
using Gateway.Features.Accounts.Users;
using Gateway.Features.Backup;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Identity;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Hosting;

/// <summary>Brings the database up to date, and on the first start makes the token that all else is done with.</summary>
internal sealed partial class FirstStart(
    IDbContextFactory<GatewayDbContext> contexts, DataDirectory directory, GatewayOptions options, IKernelSettings kernel, IServiceScopeFactory scopes,
    TimeProvider time, ILogger<FirstStart> logger)
{
    /// <summary>When the session before this one began, UTC ticks; 0 on the first start.</summary>
    public long PreviousStart { get; private set; }

    /// <summary>When this session began.</summary>
    public DateTimeOffset StartedAt { get; private set; }

    /// <summary>Migrates, and makes what the first start needs. Throws <see cref="StartupException"/>.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            var isEmpty = !(await db.Database.GetAppliedMigrationsAsync(cancellationToken)).Any();
            if (isEmpty && options.Restore is { } backup) await RestoreAsync(backup, cancellationToken);
            await DatabaseCopies.BeforeMigrationAsync(db, directory, time.GetUtcNow(), cancellationToken);
            // Readers and the one writer leave each other alone (https://www.sqlite.org/wal.html); else each waits 150 ms when it meets another. EF sees to
            // that in files that it makes itself, and this one was made beforehand, for its owner alone. The mode stays in the file.
            await db.Database.ExecuteSqlRawAsync("PRAGMA journal_mode = 'wal'", cancellationToken);
            await db.Database.MigrateAsync(cancellationToken);
            var now = time.GetUtcNow().UtcTicks;
            var meta = await db.Meta.SingleOrDefaultAsync(cancellationToken);
            if (meta is null)
            {
                MakeToken(db, now);
                MakeAdmin(db);
                db.Meta.Add(meta = new Meta());
            }

            PreviousStart = meta.StartedAt;
            meta.StartedAt = now;
            StartedAt = new DateTimeOffset(now, TimeSpan.Zero);
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (Exception e) when ((e as SqliteException ?? e.InnerException as SqliteException) is { } sqlite)
        {
            throw new StartupException($"{directory.Database}: {ExceptionProblems.DatabaseSentence(sqlite)}");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new StartupException(e is FileNotFoundException or DirectoryNotFoundException ? $"{e.Message.TrimEnd('.')}. Give the path of a backup as Gateway:Restore:File." : $"The data directory '{directory.Path}' cannot be written ({e.Message.TrimEnd('.')}). Make it writable for this user.");
        }
    }

    private async Task RestoreAsync(RestoreOptions backup, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(backup.File);
        if (!(await Restoration.UnpackAsync(file, backup.Passphrase, directory, contexts, cancellationToken)).Succeeded(out var restoration, out var failure))
            throw new StartupException($"{backup.File} was not restored: {failure.Detail}");
        using (restoration)
        {
            await using (var restored = await restoration.OpenAsync(contexts, cancellationToken))
            {
                await KernelKeeper.AdoptAsync(restored, null, kernel, cancellationToken);
                await restored.SaveChangesAsync(cancellationToken);
            }

            restoration.PutInPlace(directory);
        }

        LogRestored(backup.File, restoration.Manifest.CreatedAt, restoration.Manifest.Version);
    }

    // The file comes first and the row second: killed in between, the next start makes both anew.
    private void MakeToken(GatewayDbContext db, long now)
    {
        var token = options.Bootstrap.ApiToken;
        if (token is null)
        {
            token = "gwt_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
            DataDirectory.WriteOwnerOnly(directory.TokenFile, token + "\n");
            LogTokenWritten(directory.TokenFile);
        }
        else
        {
            LogTokenGiven();
        }

        db.ApiTokens.Add(new ApiToken
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            Name = "bootstrap",
            Hash = Credentials.Hash(token),
            Scopes = [.. Permissions.ByScope.Keys],
            CreatedAt = now,
        });
    }

    private void MakeAdmin(GatewayDbContext db)
    {
        if (options.Bootstrap.AdminPassword is not { } password) return;
        using var scope = scopes.CreateScope();
        var admin = FirstUser.Make(BootstrapOptions.AdminName, time.GetUtcNow());
        admin.NormalizedUserName = scope.ServiceProvider.GetRequiredService<ILookupNormalizer>().NormalizeName(admin.UserName);
        admin.PasswordHash = scope.ServiceProvider.GetRequiredService<IPasswordHasher<User>>().HashPassword(admin, password);
        db.Users.Add(admin);
        LogAdminMade(BootstrapOptions.AdminName);
    }

    [LoggerMessage(EventId = 1003, Level = LogLevel.Information, Message = "First start: restored {File}, made {CreatedAt} by version {Version}")]
    private partial void LogRestored(string file, DateTimeOffset createdAt, string version);

    [LoggerMessage(EventId = 1001, Level = LogLevel.Information, Message = "First start: the API token is in {Path}")]
    private partial void LogTokenWritten(string path);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Information, Message = "First start: the API token is the one set as Gateway:Bootstrap:ApiToken")]
    private partial void LogTokenGiven();

    [LoggerMessage(EventId = 1004, Level = LogLevel.Information, Message = "First start: the first user is '{Name}', with the password set as Gateway:Bootstrap:AdminPassword")]
    private partial void LogAdminMade(string name);
}
