using System.Collections.Immutable;
using System.Threading.Channels;
using Gateway.Engine.Packets;

namespace Gateway.Engine.Probes;

/// <summary>An answer to a probe.</summary>
/// <param name="Ticks">When it was read from the device, in the data plane's ticks.</param>
/// <param name="Packet">The packet.</param>
public sealed record ProbeAnswer(long Ticks, byte[] Packet);

/// <summary>
/// Waits for the answers to one probe. What answers it is taken out of the way before it is counted or sent: the peer, which asked for nothing, never sees
/// it, and no handshake is started for its sake. While none is open the data path pays one read of a reference a packet.
/// </summary>
public sealed class ProbeWatch : IDisposable
{
    private readonly Channel<ProbeAnswer> _answers = Channel.CreateBounded<ProbeAnswer>(new BoundedChannelOptions(8) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ProbeWatches _watches;

    internal ProbeWatch(ProbeWatches watches, ProbeKey key)
    {
        _watches = watches;
        Key = key;
    }

    /// <summary>What it waits for.</summary>
    public ProbeKey Key { get; }

    /// <summary>The answers, as they come.</summary>
    public ChannelReader<ProbeAnswer> Answers => _answers.Reader;

    /// <summary>Stops waiting.</summary>
    public void Dispose() => _watches.Remove(this);

    /// <summary>Outbound thread.</summary>
    internal bool TryTake(ReadOnlySpan<byte> packet, in IpPacket info, long nowTicks)
    {
        if (!Key.IsAnsweredBy(packet, in info)) return false;
        _answers.Writer.TryWrite(new ProbeAnswer(nowTicks, packet.ToArray()));
        return true;
    }
}

/// <summary>The probes under way in one tunnel. The outbound thread reads; opening and closing swap the array.</summary>
internal sealed class ProbeWatches
{
    private readonly Lock _gate = new();
    private ImmutableList<ProbeWatch>? _open;

    /// <summary>Whether any is open.</summary>
    public bool Any => Volatile.Read(ref _open) is not null;

    public ProbeWatch Open(ProbeKey key)
    {
        var watch = new ProbeWatch(this, key);
        lock (_gate) Volatile.Write(ref _open, (_open ?? []).Add(watch));
        return watch;
    }

    public void Remove(ProbeWatch watch)
    {
        lock (_gate) Volatile.Write(ref _open, _open?.Remove(watch) is { IsEmpty: false } left ? left : null);
    }

    /// <summary>Outbound thread: whether the packet answered a probe and goes no further.</summary>
    public bool TryTake(ReadOnlySpan<byte> packet, in IpPacket info, long nowTicks)
    {
        if (Volatile.Read(ref _open) is not { } open) return false;
        foreach (var watch in open)
        {
            if (watch.TryTake(packet, in info, nowTicks)) return true;
        }

        return false;
    }
}
