using System.Collections.Immutable;
using System.Net;
using System.Threading.Channels;
using Gateway.Contracts.Live;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Features.Events;
using Gateway.Features.Self;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>
/// Brings the engine to what the database says:
/// 1. read everything once, at the start;
/// 2. wait for a change (told by <see cref="Post"/>, after its commit), a looked-up name, or a peer's expiry;
/// 3. read again what it touched, in one transaction;
/// 4. hand nftables and the engine the new snapshot, to the engine unchanged parts as the same objects;
/// 5. tell those who wait. What fails is tried again with growing pauses, from step 1.
/// </summary>
internal sealed partial class Reconciler(
    IDbContextFactory<GatewayDbContext> contexts, SnapshotLoader loader, EndpointLookups lookups, DataPlane dataPlane, TableKeeper tables, ControlSockets sockets,
    SelfListeners listeners, Followers followers, EventLog events, TimeProvider time, ILogger<Reconciler> logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>How often the paths are looked at again: a new default route or another MTU of a device tells nobody here.</summary>
    private static readonly TimeSpan PathInterval = TimeSpan.FromMinutes(1);

    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new();
    private long _wanted;
    private long _taken = -1;
    private long _complete = -1;
    private string? _error;

    /// <summary>Tells of a committed change. The task ends when the engine has taken it.</summary>
    public Task Post(IEnumerable<Touched> touched, long revision)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _wanted, revision);
        _work.Writer.TryWrite(new Work([.. touched], revision, done, null));
        return done.Task;
    }

    /// <summary>Tells that the whole database is another one. The task ends when the engine has taken it.</summary>
    public Task PostEverything(long revision)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _wanted, revision);
        // In this order: whoever takes the second has the first.
        _work.Writer.TryWrite(Work.Everything);
        _work.Writer.TryWrite(new Work([], revision, done, null));
        return done.Task;
    }

    /// <summary>Tells that a peer does not answer: one with a configured endpoint is tried elsewhere.</summary>
    public void PostSilent(Guid tunnelId, Guid peerId) => _work.Writer.TryWrite(new Work([], 0, null, null) { Silent = new Touched(tunnelId, peerId) });

    /// <summary>What is saved and what runs; why they differ.</summary>
    public Contracts.RevisionStatus GetRevision(ImmutableArray<TunnelStatus> tunnels, IReadOnlyCollection<Contracts.KernelProblem> kernelProblems)
    {
        var troubles = tunnels.Where(t => t.State != TunnelState.Up).Select(t => $"tunnel {t.Name} is {Describe(t.State)}: {t.Cause}")
            .Concat(tunnels.SelectMany(t => t.LinkProblems.Select(p => $"tunnel {t.Name}: {p.What}: {p.Cause}")))
            .Concat(kernelProblems.Select(p => $"{p.What}: {p.Cause}")).ToList();
        lock (_gate)
        {
            var wanted = Interlocked.Read(ref _wanted);
            if (_taken == wanted && troubles.Count == 0) _complete = wanted;
            if (_complete == wanted) return new(wanted, wanted, null);
            if (_error is not null) troubles.Insert(0, _error);
            else if (_taken != wanted) troubles.Insert(0, "the change is being applied");
            return new(wanted, Math.Max(_complete, 0), string.Join("; ", troubles));
        }
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(long lastSessionStart, CancellationToken cancellationToken)
    {
        loader.LastSessionStart = lastSessionStart;
        using var expiry = time.CreateTimer(_ => _work.Writer.TryWrite(Work.Expiry), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using var paths = time.CreateTimer(_ => _work.Writer.TryWrite(Work.Paths), null, PathInterval, PathInterval);
        var pending = new List<Work> { Work.Everything };
        var pause = FirstPause;
        while (true)
        {
            try
            {
                LookElsewhere(pending, cancellationToken);
                if (pending.Count > 0) await TakeAsync(pending, cancellationToken);
                foreach (var work in pending) work.Done?.TrySetResult();
                pending.Clear();
                pause = FirstPause;
                lookups.Start(loader.Tunnels, _work.Writer, cancellationToken);
                SetExpiry(expiry);
                await _work.Reader.WaitToReadAsync(cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFailed(pause, e);
                lock (_gate) _error = $"the configuration could not be applied ({e.Message}); it is tried again in {pause.TotalSeconds:0} s";
                await Task.Delay(pause, time, cancellationToken);
                pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
                pending.Add(Work.Everything);
            }

            while (_work.Reader.TryRead(out var work)) pending.Add(work);
        }
    }

    private void LookElsewhere(List<Work> pending, CancellationToken cancellationToken)
    {
        foreach (var (tunnelId, peerId) in pending.Select(w => w.Silent).OfType<Touched>())
        {
            if (loader.Find(tunnelId)?.Find(peerId!.Value) is { Config: not null } peer) _ = lookups.TryElsewhere(tunnelId, peer, cancellationToken);
        }

        pending.RemoveAll(w => w.Silent is not null);
    }

    private async Task TakeAsync(List<Work> pending, CancellationToken cancellationToken)
    {
        long revision;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
        {
            // One read transaction: what is read is one state, whatever is written meanwhile. Deferred, or it would keep writers out (SQLite "BEGIN").
            await db.Database.OpenConnectionAsync(cancellationToken);
            await using var transaction = ((SqliteConnection)db.Database.GetDbConnection()).BeginTransaction(deferred: true);
            await db.Database.UseTransactionAsync(transaction, cancellationToken);
            revision = await db.Meta.Select(m => m.Revision).SingleAsync(cancellationToken);
            if (pending.Contains(Work.Everything)) await loader.LoadAllAsync(db, cancellationToken);
            else await loader.LoadAsync(db, [.. pending.SelectMany(w => w.Touched), .. Expired(pending)], cancellationToken);
        }

        foreach (var found in pending.Select(w => w.Found).OfType<FoundEndpoint>()) loader.SetLookedUp(found.TunnelId, found.PeerId, found.Configured, found.Endpoint);
        if (pending.Any(w => w.MayMovePaths)) loader.MeasurePaths();
        var configs = loader.ToConfigs();
        // Before packets pass: connection tracking keeps for a conversation what its first packet met.
        await tables.SyncAsync(loader.Tunnels.Select(t => t.Row), cancellationToken);
        await dataPlane.ApplyAsync(configs, cancellationToken);
        await sockets.SyncAsync(configs);
        await listeners.SyncAsync(configs);
        followers.Wake(pending.Contains(Work.Everything) || pending.Any(w => w.MayMovePaths) ? null : [.. pending.SelectMany(w => w.Touched)]);
        var before = _taken;
        lock (_gate)
        {
            // Changes posted since the read have their own turn; the revision read may already count them.
            _taken = pending.Contains(Work.Everything) ? revision : Math.Max(_taken, pending.Max(w => w.Revision));
            if (_taken > Interlocked.Read(ref _wanted)) Interlocked.Exchange(ref _wanted, _taken);
            _error = null;
        }

        if (before >= 0 && _taken > before) events.Raise(new GatewayEvent(EventKinds.RevisionApplied, EventSeverities.Info, $"Revision {_taken} runs."));
    }

    private IEnumerable<Touched> Expired(List<Work> pending)
    {
        if (!pending.Contains(Work.Expiry)) return [];
        var now = time.GetUtcNow().UtcTicks;
        return loader.Tunnels.SelectMany(t => t.Peers.Where(p => p.NextChange <= now).Select(p => new Touched(t.Row.Id, p.Id)));
    }

    private void SetExpiry(ITimer timer)
    {
        var next = loader.Tunnels.SelectMany(t => t.Peers).Min(p => p.NextChange);
        if (next is null) return;
        // A timer takes at most 49 days; it is simply set again then.
        var wait = TimeSpan.FromTicks(Math.Clamp(next.Value - time.GetUtcNow().UtcTicks, 0, TimeSpan.TicksPerDay));
        timer.Change(wait + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private static string Describe(TunnelState state) => state == TunnelState.Failed ? "down" : "being opened";

    [LoggerMessage(EventId = 1201, Level = LogLevel.Error, Message = "The configuration could not be applied; trying again in {Pause}")]
    private partial void LogFailed(TimeSpan pause, Exception exception);
}

/// <summary>One thing for the reconciler to do.</summary>
internal sealed record Work(ImmutableArray<Touched> Touched, long Revision, TaskCompletionSource? Done, FoundEndpoint? Found)
{
    public static readonly Work Everything = new([], 0, null, null) { MayMovePaths = true };
    public static readonly Work Expiry = new([], 0, new TaskCompletionSource(), null);
    public static readonly Work Paths = new([], 0, new TaskCompletionSource(), null) { MayMovePaths = true };

    /// <summary>A peer that does not answer; nothing was changed.</summary>
    public Touched? Silent { get; init; }

    public static Work Of(FoundEndpoint found) => new([], 0, null, found);

    /// <summary>Whether a tunnel's way to its peers may be another after it.</summary>
    public bool MayMovePaths { get; private init; } = Found is not null || Touched.Any(t => t.PeerId is null);
}

/// <summary>Where a configured name led to.</summary>
internal sealed record FoundEndpoint(Guid TunnelId, Guid PeerId, string Configured, IPEndPoint Endpoint);
