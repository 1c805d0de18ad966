using Gateway.Engine.Ports;

namespace Gateway.Linux.Native;

/// <summary>An eventfd(2) that ends another thread's poll: the flag stays set until <see cref="Clear"/>, so a wake-up before the wait is not lost.</summary>
internal sealed unsafe class WakeUp : IDisposable
{
    private int _descriptor;

    public WakeUp()
    {
        _descriptor = Libc.EventFd(0, OpenFlags.NonBlocking | OpenFlags.CloseOnExec);
        if (_descriptor < 0)
            throw new PortException($"The kernel gave no eventfd: {Errno.Describe(Errno.Last)}.", "Raise the limit of open files (ulimit -n).", Errno.Last);
    }

    public int Descriptor => _descriptor;

    public void Set()
    {
        ulong one = 1;
        // SAFETY: 8 bytes of this frame. EAGAIN means that the counter is full, so the flag is set already.
        _ = Libc.Write(_descriptor, &one, sizeof(ulong));
    }

    public void Clear()
    {
        ulong count;
        // SAFETY: 8 bytes of this frame. EAGAIN means that it was clear already.
        _ = Libc.Read(_descriptor, &count, sizeof(ulong));
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = Libc.Close(descriptor);
    }
}
