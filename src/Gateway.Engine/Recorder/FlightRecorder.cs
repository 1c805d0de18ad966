using System.Collections.Immutable;
using Gateway.Engine.Taps;

namespace Gateway.Engine.Recorder;

/// <summary>
/// The last packets of each peer, always written, read when something goes wrong with a peer: one half a direction, each written by the one thread
/// that carries that direction. Nothing is taken from the process's memory for a peer that never sent.
/// </summary>
internal sealed class FlightRecorder : IDisposable
{
    private readonly Lock _gate = new();
    private bool _isDisposed;

    /// <summary>Makes one.</summary>
    /// <param name="peers">Peers whose packets it holds at a time; who was unheard longest makes room. 0 = it holds nothing.</param>
    public FlightRecorder(int peers)
    {
        if (peers == 0) return;
        Outbound = new FlightHalf(peers);
        Inbound = new FlightHalf(peers);
    }

    /// <summary>The outbound thread's half; null where nothing is recorded.</summary>
    public FlightHalf? Outbound { get; }

    /// <summary>The inbound thread's half.</summary>
    public FlightHalf? Inbound { get; }

    /// <summary>A peer's last packets, the oldest first. Any thread; the writers go on meanwhile.</summary>
    public ImmutableArray<RecordedPacket> Read(int peerIndex)
    {
        var packets = new List<RecordedPacket>(2 * FlightHalf.Slots);
        lock (_gate)
        {
            if (_isDisposed) return [];
            Outbound?.Read(peerIndex, TapDirection.ToPeer, packets);
            Inbound?.Read(peerIndex, TapDirection.FromPeer, packets);
        }

        return [.. packets.OrderBy(packet => packet.Ticks)];
    }

    /// <summary>Frees the memory; both writers must have ended.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            Outbound?.Dispose();
            Inbound?.Dispose();
        }
    }
}
