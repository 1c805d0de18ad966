using Gateway.Linux.Native;

namespace Gateway.Linux.Settings;

/// <summary>
/// While it exists, programs that this thread starts have CAP_NET_ADMIN too. A capability that came with the executable's file is not passed on by
/// itself (capabilities(7), "Transformation of capabilities during execve"); the ambient set is what passes it on. Does nothing for root, or
/// where the thread has not got the capability.
/// </summary>
internal sealed unsafe class AmbientCapability : IDisposable
{
    private const uint Version3 = 0x20080522;   // _LINUX_CAPABILITY_VERSION_3
    private const int Ambient = 47;             // PR_CAP_AMBIENT
    private const nuint Raise = 2, Lower = 3;   // PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_LOWER
    private const int NetAdmin = 12;            // CAP_NET_ADMIN

    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly bool _isRaised;

    public AmbientCapability()
    {
        if (Environment.IsPrivilegedProcess || !SetInheritable(true)) return;
        _isRaised = Libc.ProcessControl(Ambient, Raise, NetAdmin, 0, 0) == 0;
        if (!_isRaised) _ = SetInheritable(false);
    }

    public void Dispose()
    {
        if (!_isRaised) return;
        if (Environment.CurrentManagedThreadId != _thread) throw new InvalidOperationException("an ambient capability is its thread's own");
        _ = Libc.ProcessControl(Ambient, Lower, NetAdmin, 0, 0);
        _ = SetInheritable(false);
    }

    private static bool SetInheritable(bool on)
    {
        // struct __user_cap_header_struct, and two of struct __user_cap_data_struct: effective, permitted, inheritable of the first 32 and the next.
        var header = stackalloc uint[2] { Version3, 0 };
        var data = stackalloc uint[6];
        // SAFETY: both live on this frame, of the sizes that version 3 has.
        if (Libc.GetCapabilities(header, data) != 0) return false;
        if ((data[1] & (1u << NetAdmin)) == 0) return false;
        data[2] = on ? data[2] | (1u << NetAdmin) : data[2] & ~(1u << NetAdmin);
        return Libc.SetCapabilities(header, data) == 0;
    }
}
