using Gateway.Engine;

namespace Gateway.Features.Preview;

/// <summary>What is counted together: a peer's side, the other side, protocol and the port of whoever was asked.</summary>
/// <param name="Tunnel">The tunnel.</param>
/// <param name="Peer">The peer; empty = it belongs to none.</param>
/// <param name="PeerSide">The address on the peer's side.</param>
/// <param name="OtherSide">The address on this side.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Of whoever was asked; 0 = none.</param>
/// <param name="StartedByPeer">Whether the peer's side asked.</param>
/// <param name="IsNetwork">The other side is a /24 or /64: there were too many to keep each.</param>
internal readonly record struct TrafficKey(Guid Tunnel, Guid Peer, InetAddress PeerSide, InetAddress OtherSide, byte Protocol, int Port, bool StartedByPeer, bool IsNetwork = false)
{
    private const ulong V4NetworkMask = 0xFFFF_FFFF_FFFF_FF00;

    /// <summary>The same for the whole network of the other side.</summary>
    public TrafficKey ToNetwork() => this with { OtherSide = new InetAddress(OtherSide.High, OtherSide.IsV4 ? OtherSide.Low & V4NetworkMask : 0), IsNetwork = true };
}

/// <summary>Of one key, how much in the last hour.</summary>
/// <param name="Key">Of what.</param>
/// <param name="OtherSide">An address of the other side that was seen.</param>
/// <param name="FromPeer">Packets from the peer that the tunnel let in.</param>
/// <param name="ToPeer">Packets to the peer.</param>
/// <param name="Bytes">Of those.</param>
/// <param name="Dropped">Packets that the tunnel dropped.</param>
/// <param name="LastSeen">When the last one was.</param>
internal sealed record TrafficTotal(TrafficKey Key, InetAddress OtherSide, long FromPeer, long ToPeer, long Bytes, long Dropped, DateTimeOffset LastSeen)
{
    public long Packets => FromPeer + ToPeer + Dropped;
}

/// <summary>
/// The last hour's traffic, added up by minute: what a change is replayed against. Bounded: past <see cref="FineRows"/> new conversations are kept by
/// the other side's network, past <see cref="MaxRows"/> they are only counted. Any thread.
/// </summary>
internal sealed class TrafficHour(TimeProvider time)
{
    /// <summary>A row is about 150 bytes and 32 more for each minute with traffic: 35 MB if all of them are busy all the time.</summary>
    public const int MaxRows = 16_384;

    public const int FineRows = 12_288;

    private const int Minutes = 60;

    private readonly Lock _gate = new();
    private readonly Dictionary<TrafficKey, Row> _rows = [];
    private long _swept;

    /// <summary>Packets that found no row in the last hours.</summary>
    public long Missed { get; private set; }

    public void Add(TrafficKey key, long fromPeer, long toPeer, long bytes, long dropped)
    {
        var now = time.GetUtcNow();
        var minute = MinuteOf(now);
        lock (_gate)
        {
            Sweep(minute);
            if (!_rows.TryGetValue(key, out var row))
            {
                var kept = _rows.Count < FineRows ? key : key.ToNetwork();
                if (!_rows.TryGetValue(kept, out row))
                {
                    if (_rows.Count >= MaxRows)
                    {
                        Missed += fromPeer + toPeer + dropped;
                        return;
                    }

                    _rows.Add(kept, row = new Row());
                }
            }

            (row.OtherSide, row.LastSeen) = (key.OtherSide, now);
            var count = row.Minutes is [.., var last] && last.Minute == minute ? last : new MinuteCount(minute, 0, 0, 0, 0);
            if (row.Minutes.Count > 0 && row.Minutes[^1].Minute == minute) row.Minutes.RemoveAt(row.Minutes.Count - 1);
            row.Minutes.Add(new MinuteCount(minute, count.FromPeer + fromPeer, count.ToPeer + toPeer, count.Bytes + bytes, count.Dropped + dropped));
            if (row.Minutes.Count > Minutes) row.Minutes.RemoveAt(0);
        }
    }

    /// <summary>The last hour of some tunnels.</summary>
    public IReadOnlyList<TrafficTotal> Read(Func<Guid, bool> tunnels)
    {
        var since = MinuteOf(time.GetUtcNow()) - Minutes;
        lock (_gate)
        {
            return [.. _rows.Where(pair => tunnels(pair.Key.Tunnel)).Select(pair => Total(pair.Key, pair.Value, since)).Where(total => total.Packets > 0)];
        }
    }

    private static long MinuteOf(DateTimeOffset at) => at.UtcTicks / TimeSpan.TicksPerMinute;

    private static TrafficTotal Total(TrafficKey key, Row row, long since)
    {
        var (from, to, bytes, dropped) = (0L, 0L, 0L, 0L);
        foreach (var minute in row.Minutes)
        {
            if (minute.Minute <= since) continue;
            (from, to, bytes, dropped) = (from + minute.FromPeer, to + minute.ToPeer, bytes + minute.Bytes, dropped + minute.Dropped);
        }

        return new TrafficTotal(key, row.OtherSide, from, to, bytes, dropped, row.LastSeen);
    }

    // Once a minute what is over goes.
    private void Sweep(long minute)
    {
        if (_swept == minute) return;
        _swept = minute;
        foreach (var (key, row) in _rows)
        {
            if (row.Minutes[^1].Minute <= minute - Minutes) _rows.Remove(key);
        }
    }

    private readonly record struct MinuteCount(long Minute, long FromPeer, long ToPeer, long Bytes, long Dropped);

    private sealed class Row
    {
        public InetAddress OtherSide { get; set; }

        public DateTimeOffset LastSeen { get; set; }

        public List<MinuteCount> Minutes { get; } = new(1);
    }
}
