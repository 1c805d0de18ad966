namespace Gateway.Protocol.Tests.Simulation;

/// <summary>
/// Two stations and the wire between them, in virtual time:
/// <code>
///   A 192.0.2.1 ══ loses, duplicates, delays and so reorders ══ B 192.0.2.2
/// </code>
/// Events run in order of time; between them the clock jumps. The same seed gives the same run.
/// </summary>
internal sealed class Network : IDisposable
{
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Random _random;
    private long _order;
    private Moment _now;

    internal Network(int seed, PresharedKey? presharedKey = null, TimeSpan keepaliveOfA = default)
    {
        _random = new Random(seed);
        A = new Station(seed * 2 + 1, 1);
        B = new Station(seed * 2 + 2, 2);
        _now = A.Now;
        A.Transmit = datagram => Carry(datagram, A, B);
        B.Transmit = datagram => Carry(datagram, B, A);
        A.AddPeer(B, presharedKey, keepaliveOfA);
        B.AddPeer(A, presharedKey);
    }

    internal Station A { get; }

    internal Station B { get; }

    internal double Loss { get; set; }

    internal double Duplication { get; set; }

    internal TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(10);

    internal TimeSpan ExtraDelay { get; set; }

    /// <summary>Sees every datagram and may refuse it.</summary>
    internal Func<Station, byte[], bool> Passes { get; set; } = (_, _) => true;

    internal Moment Now => _now;

    internal int Carried { get; private set; }

    internal void At(TimeSpan fromNow, Action action) => _events.Enqueue(action, ((_now.Monotonic + fromNow).Ticks, _order++));

    /// <summary>Lets that much time pass.</summary>
    internal void Run(TimeSpan duration) => RunUntil(duration, () => false);

    /// <summary>Lets time pass until the condition holds; false where the duration ran out first.</summary>
    internal bool RunUntil(TimeSpan duration, Func<bool> condition)
    {
        var end = _now.Monotonic + duration;
        while (!condition())
        {
            var deadline = Instant.Min(A.Deadline, B.Deadline);
            var next = _events.TryPeek(out _, out var key) ? Instant.Min(deadline, new Instant(key.At)) : deadline;
            if (next > end)
            {
                Advance(end);
                return condition();
            }

            Advance(Instant.Max(next, _now.Monotonic));
            if (_events.TryPeek(out _, out key) && key.At <= _now.Monotonic.Ticks)
            {
                _events.Dequeue()();
            }
            else
            {
                foreach (var station in (Station[])[A, B])
                {
                    if (station.Deadline <= _now.Monotonic)
                        station.Serve();
                    station.ServeIfWanted();
                }
            }
        }

        return true;
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }

    private void Advance(Instant to)
    {
        _now = new Moment(to, _now.Utc + (to - _now.Monotonic));
        A.Now = B.Now = _now;
    }

    private void Carry(byte[] datagram, Station from, Station to)
    {
        Carried++;
        if (!Passes(from, datagram) || _random.NextDouble() < Loss)
            return;
        var copies = _random.NextDouble() < Duplication ? 2 : 1;
        for (var copy = 0; copy < copies; copy++)
            At(Delay + ExtraDelay * _random.NextDouble(), () => to.Receive(datagram, from.Address, from.Port));
    }
}
