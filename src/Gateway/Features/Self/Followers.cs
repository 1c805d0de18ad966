using System.Collections.Concurrent;
using Gateway.Reconcile;

namespace Gateway.Features.Self;

/// <summary>Wakes clients that wait for a change of their own configuration: only those whose peer or tunnel was touched.</summary>
internal sealed class Followers
{
    private readonly ConcurrentDictionary<Guid, TaskCompletionSource> _waiting = new();

    /// <summary>Ends when the peer or its tunnel changes. To be taken before reading what may change.</summary>
    public Task NextChange(Guid tunnelId, Guid peerId) => Task.WhenAny(Waiting(tunnelId), Waiting(peerId));

    /// <summary>Wakes whom a change touched; null = everybody.</summary>
    public void Wake(IReadOnlyCollection<Touched>? touched)
    {
        foreach (var id in touched is null ? [.. _waiting.Keys] : touched.Select(t => t.PeerId ?? t.TunnelId))
        {
            if (_waiting.TryRemove(id, out var waiting)) waiting.TrySetResult();
        }
    }

    private Task Waiting(Guid id) => _waiting.GetOrAdd(id, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
}
