using System.Collections.Concurrent;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>What other threads ask of a data thread; it obeys between two batches.</summary>
internal enum CommandKind
{
    /// <summary>Outbound: the peer has a session, its waiting packets may go.</summary>
    SessionReady,
    /// <summary>Outbound: send an empty message.</summary>
    Keepalive,
    /// <summary>Outbound: the handshake was given up, waiting packets are dropped.</summary>
    DropWaiting,
    /// <summary>Outbound: send this packet (or frame) to the peer. Inbound: write it to the device.</summary>
    Inject,
    /// <summary>Outbound: send this Ethernet frame, which came from another peer.</summary>
    PassOn,
    /// <summary>Outbound, then inbound, which disposes it: nobody finds these keys any more.</summary>
    Retire,
}

/// <summary>One request, a small value.</summary>
internal readonly record struct Command(CommandKind Kind, Peer? Peer = null, KeyPair? Keys = null, Injection? Injection = null, byte[]? Frame = null);

/// <summary>A crafted packet under way to the thread that may write it, and the answer under way back.</summary>
internal sealed class Injection(byte[] packet) : IDisposable
{
    private readonly ManualResetEventSlim _done = new();
    private string? _error;

    public byte[] Packet { get; } = packet;

    public void Complete(string? error)
    {
        _error = error;
        _done.Set();
    }

    public InjectResult Wait(TimeSpan limit) =>
        _done.Wait(limit) ? new InjectResult(_error is null, _error) : new InjectResult(false, "The tunnel did not take the packet in time; look at its state.");

    public void Dispose() => _done.Dispose();
}

/// <summary>Requests for one data thread. Any thread adds and wakes it; the data thread pays one volatile read a batch when there are none.</summary>
internal sealed class CommandQueue
{
    private readonly ConcurrentQueue<Command> _queue = new();
    private volatile bool _any;

    public bool Any => _any;

    public void Add(in Command command)
    {
        _queue.Enqueue(command);
        _any = true;
    }

    public bool TryTake(out Command command)
    {
        if (_queue.TryDequeue(out command)) return true;
        _any = false;
        // A request may have come between the dequeue and the line above.
        if (!_queue.TryDequeue(out command)) return false;
        _any = true;
        return true;
    }
}
