using System.Collections.Concurrent;

namespace Gateway.Security;

/// <summary>
/// Says at once that what somebody may do has changed: a role, a disabled user, a revoked token, an ended session. What runs for them (requests
/// that take long, hub connections, circuits) watches, and is cut or looks again.
/// </summary>
internal sealed partial class AccessChanges(ILogger<AccessChanges> logger)
{
    private readonly ConcurrentDictionary<Watching, byte> _watching = new();
    private long _generation;

    /// <summary>Goes up with each change. Read before the database and compared after beginning to watch, it shows a change in between.</summary>
    public long Generation => Volatile.Read(ref _generation);

    /// <summary>Calls <paramref name="changed"/> whenever the access of <paramref name="caller"/> changes, until disposed.</summary>
    public IDisposable Watch(CallerIdentity caller, Action changed)
    {
        var watching = new Watching(this, caller, changed);
        _watching.TryAdd(watching, 0);
        return watching;
    }

    /// <summary>Tells everyone who watches for this user, token or session. Called after the change is in the database.</summary>
    public void Publish(Guid id) => Tell(watching => watching.IsAbout(id));

    /// <summary>Tells everyone: all users and tokens were replaced.</summary>
    public void PublishAll() => Tell(_ => true);

    private void Tell(Func<Watching, bool> whom)
    {
        Interlocked.Increment(ref _generation);
        foreach (var watching in _watching.Keys.Where(whom))
        {
            try
            {
                watching.Changed();
            }
            catch (Exception e) when (e is ObjectDisposedException or InvalidOperationException)
            {
                LogGone(e);
            }
        }
    }

    [LoggerMessage(EventId = 1801, Level = LogLevel.Debug, Message = "What watched for a change of access was gone already")]
    private partial void LogGone(Exception exception);

    private sealed class Watching(AccessChanges owner, CallerIdentity caller, Action changed) : IDisposable
    {
        public Action Changed { get; } = changed;

        public bool IsAbout(Guid id) => caller.Id == id || caller.UserId == id || caller.SessionId == id;

        public void Dispose() => owner._watching.TryRemove(this, out _);
    }
}
