using System.Collections.Concurrent;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>Remembers the authenticator codes that were tried, for as long as they could be right: a code is good for one attempt (RFC 6238 §5.2).</summary>
internal sealed class UsedCodes(TimeProvider time)
{
    /// <summary>Identity takes codes of three minutes: the current one and those within 90 s of it.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(4);

    private readonly ConcurrentDictionary<(Guid User, string Code), DateTimeOffset> _tried = new();

    /// <returns>False if the code was tried for this user before.</returns>
    public bool Use(Guid user, string code)
    {
        var now = time.GetUtcNow();
        foreach (var old in _tried.Where(t => now - t.Value > Window)) _tried.TryRemove(old);
        return _tried.TryAdd((user, code), now);
    }
}
