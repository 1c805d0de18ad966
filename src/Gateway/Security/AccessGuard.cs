namespace Gateway.Security;

/// <summary>
/// Tells each request's scope who calls, and ends what still runs a moment after the access has changed or ended: downloads, streams, the
/// connections of hubs and circuits, which are requests too. A short request, such as the one that made the change, is through by then.
/// </summary>
internal static class AccessGuard
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>Timers reach no further than 2^32 ms; what ends later is not waited for.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(40);

    /// <summary>Between authentication and authorization.</summary>
    public static void UseCaller(this WebApplication app) => app.Use(async (context, next) =>
    {
        var caller = CallerIdentity.Of(context.User);
        context.RequestServices.GetRequiredService<Caller>().Become(caller.Id is null ? caller with { From = CallerIdentity.AddressOf(context) } : caller);
        if (caller.Id is null)
        {
            await next(context);
            return;
        }

        var changes = context.RequestServices.GetRequiredService<AccessChanges>();
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        using var end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var abort = end.Token.Register(context.Abort);
        using var watch = changes.Watch(caller, () => end.CancelAfter(Grace));
        if (changes.Generation != caller.AsOf) end.CancelAfter(Grace);
        else if (caller.EndsAt - time.GetUtcNow() is { } left && left < LongestWait) end.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        await next(context);
    });
}
