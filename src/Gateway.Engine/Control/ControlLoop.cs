using System.Buffers;
using System.Collections.Concurrent;
using Gateway.Protocol;
using Microsoft.Extensions.Logging;

namespace Gateway.Engine.Control;

/// <summary>
/// The one thread for everything that is not a data packet, of all tunnels: handshake messages, protocol timers, changes of configuration.
/// It sleeps until something is posted or a timer is due; there is no polling.
/// </summary>
internal sealed partial class ControlLoop : IDisposable
{
    /// <summary>Handshake messages that may wait. More means a flood: the rest is dropped and counted.</summary>
    private const int MaxHandshakes = 4096;

    /// <summary>From this many waiting on, senders must prove their address with a cookie (wireguard-go asks at an eighth of its queue too).</summary>
    private const int LoadThreshold = MaxHandshakes / 8;

    /// <summary>Items between two looks at the timers, which a flood of handshake messages must not keep from running.</summary>
    private const int ItemsPerRound = 64;

    /// <summary>How long cookies are asked for after the queue was last that long.</summary>
    private static readonly TimeSpan s_loadHold = TimeSpan.FromSeconds(1);

    private readonly ConcurrentQueue<WorkItem> _work = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly PriorityQueue<(Tunnel Tunnel, Peer Peer), long> _timers = new();
    private readonly EngineClock _clock;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Thread _thread;
    private Instant _armedFor = Instant.Infinity;
    private Instant _loadUntil = Instant.Never;
    private int _handshakes;
    private volatile bool _hasFired;
    private volatile bool _stopping;

    public ControlLoop(EngineClock clock, ILogger logger)
    {
        _clock = clock;
        _logger = logger;
        _timer = clock.Provider.CreateTimer(static state => ((ControlLoop)state!).Fired(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(Run) { Name = "gateway-control", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Any thread. Runs it on the control thread, in order.</summary>
    public void Post(Action action) => Add(new WorkItem { Action = action });

    /// <summary>Any thread. Asks for <see cref="WireGuardPeer.Service"/>.</summary>
    public void PostService(Tunnel tunnel, Peer peer) => Add(new WorkItem { Tunnel = tunnel, Peer = peer });

    /// <summary>Inbound threads. Copies a handshake message; false when too many wait.</summary>
    public bool PostHandshake(Tunnel tunnel, ReadOnlySpan<byte> message, in UdpEndpoint source)
    {
        if (Interlocked.Increment(ref _handshakes) > MaxHandshakes)
        {
            Interlocked.Decrement(ref _handshakes);
            return false;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(WireGuardDevice.MaxHandshakeBytes);
        message.CopyTo(buffer);
        Add(new WorkItem { Tunnel = tunnel, Handshake = buffer, Bytes = message.Length, Source = source });
        return true;
    }

    /// <summary>Control thread. Serves a peer now and schedules its next time.</summary>
    public void Service(Tunnel tunnel, Peer peer)
    {
        peer.ClearServicePending();
        if (peer.IsRemoved || peer.Session is not { } session) return;
        var now = _clock.Moment;
        peer.DueAt = session.Service(now);
        if (peer.Successor is { } successor) peer.DueAt = Instant.Min(peer.DueAt, successor.Service(now));
        if (peer.DueAt < peer.QueuedAt)
        {
            _timers.Enqueue((tunnel, peer), peer.DueAt.Ticks);
            peer.QueuedAt = peer.DueAt;
        }
    }

    private void Add(in WorkItem item)
    {
        _work.Enqueue(item);
        _wake.Set();
    }

    private void Fired()
    {
        _hasFired = true;
        _wake.Set();
    }

    private void Run()
    {
        while (!_stopping)
        {
            for (var left = ItemsPerRound; left > 0 && _work.TryDequeue(out var item); left--) Execute(item);
            RunTimers();
            if (_work.IsEmpty) _wake.WaitOne();
        }
    }

    private void Execute(in WorkItem item)
    {
        try
        {
            if (item.Action is { } action) action();
            else if (item.Handshake is { } message)
            {
                var waiting = Interlocked.Decrement(ref _handshakes);
                var now = _clock.Now;
                if (waiting >= LoadThreshold) _loadUntil = now + s_loadHold;
                if (!item.Tunnel!.IsClosed) item.Tunnel.Handshakes?.Receive(message.AsSpan(0, item.Bytes), item.Source, underLoad: now < _loadUntil);
                ArrayPool<byte>.Shared.Return(message);
            }
            else
            {
                if (item.Tunnel!.IsClosed) return;
                Service(item.Tunnel, item.Peer!);
                item.Tunnel.Handshakes?.AnnounceSessions();
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A bug in one tunnel's handling must not end the handshakes and timers of all.
            LogFailed(exception);
        }
    }

    private void RunTimers()
    {
        var hasFired = _hasFired;
        if (hasFired) _hasFired = false;
        var now = _clock.Now;
        while (_timers.TryPeek(out var entry, out var ticks) && ticks <= now.Ticks)
        {
            _timers.Dequeue();
            var (tunnel, peer) = entry;
            // An entry that a later one has overtaken.
            if (ticks != peer.QueuedAt.Ticks) continue;
            peer.QueuedAt = Instant.Infinity;
            if (peer.DueAt <= now) Execute(new WorkItem { Tunnel = tunnel, Peer = peer });
            else if (peer.DueAt < Instant.Infinity)
            {
                _timers.Enqueue(entry, peer.DueAt.Ticks);
                peer.QueuedAt = peer.DueAt;
            }
        }

        var next = _timers.TryPeek(out _, out var due) ? new Instant(due) : Instant.Infinity;
        // .NET's timers go by the kernel's coarse clock and fire up to one of its ticks (4 ms at 250 Hz) before their time: one that did is set again.
        if (next == _armedFor && next > now && !hasFired) return;
        _armedFor = next;
        _timer.Change(next < Instant.Infinity ? (next - now) + TimeSpan.FromMilliseconds(1) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        _thread.Join();
        _timer.Dispose();
        _wake.Dispose();
    }

    [LoggerMessage(EventId = 100, Level = LogLevel.Error, Message = "The control thread met a bug and goes on")]
    private partial void LogFailed(Exception exception);

    private struct WorkItem
    {
        public Action? Action;
        public Tunnel? Tunnel;
        public Peer? Peer;
        public byte[]? Handshake;
        public int Bytes;
        public UdpEndpoint Source;
    }
}
