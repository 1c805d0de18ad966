using Gateway.Engine;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>
/// Stores where peers were last seen, so that the next start can dial them there: on the first session of a run and whenever one moves.
/// Later sessions from the same place write nothing.
/// </summary>
internal sealed partial class EndpointMemory(WriteGate gate, DataPlane dataPlane, TimeProvider time, ILogger<EndpointMemory> logger)
{
    private static readonly TimeSpan Gathering = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly HashSet<(Guid Tunnel, Guid Peer)> _moved = [];
    private readonly HashSet<Guid> _stored = [];
    private bool _gathering;

    /// <summary>Looks at one event of the data plane.</summary>
    public void Observe(DataPlaneEvent happened, CancellationToken cancellationToken)
    {
        if (happened.PeerId is not { } peerId) return;
        lock (_gate)
        {
            var news = happened.Kind == DataPlaneEventKind.EndpointMoved
                || (happened.Kind == DataPlaneEventKind.SessionEstablished && !_stored.Contains(peerId));
            if (!news) return;
            _moved.Add((happened.TunnelId, peerId));
            if (_gathering) return;
            _gathering = true;
        }

        _ = GatherAsync(cancellationToken);
    }

    /// <summary>Writes what is still to be written.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        List<(Guid Tunnel, Guid Peer)> moved;
        lock (_gate)
        {
            if (_moved.Count == 0) return;
            moved = [.. _moved];
            _moved.Clear();
        }

        var seen = moved.Select(m => dataPlane.GetPeer(m.Tunnel, m.Peer)).OfType<PeerStatus>().Where(p => p.Endpoint is not null)
            .Select(p => (p.Id, Endpoint: p.Endpoint!.ToString())).ToList();
        var now = time.GetUtcNow().UtcTicks;
        try
        {
            await gate.NoteAsync(async db =>
            {
                foreach (var (id, endpoint) in seen)
                {
                    await db.Peers.Where(p => p.Id == id)
                        .ExecuteUpdateAsync(set => set.SetProperty(p => p.LastEndpoint, endpoint).SetProperty(p => p.LastEndpointAt, now), cancellationToken);
                }
            }, cancellationToken);
            lock (_gate)
            {
                foreach (var (id, _) in seen) _stored.Add(id);
            }
        }
        catch (Exception e) when (e is DbUpdateException or System.Data.Common.DbException)
        {
            lock (_gate) _moved.UnionWith(moved);
            LogNotStored(e.Message);
        }
    }

    // The first is written at once, as the gateway may be killed at any time; what moves in the second after it goes together.
    private async Task GatherAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await FlushAsync(cancellationToken);
                await Task.Delay(Gathering, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return; // The service writes the rest as it stops.
            }

            lock (_gate)
            {
                if (_moved.Count > 0) continue;
                _gathering = false;
                return;
            }
        }
    }

    [LoggerMessage(EventId = 1221, Level = LogLevel.Warning, Message = "Where peers were last seen could not be stored: {Cause}")]
    private partial void LogNotStored(string cause);
}
