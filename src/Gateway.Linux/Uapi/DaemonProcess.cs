using System.Runtime.InteropServices;

namespace Gateway.Linux.Uapi;

/// <summary>What a process does to live on in the background.</summary>
public static partial class DaemonProcess
{
    private const int ReadWrite = 2;

    /// <summary>
    /// Leaves the terminal (setsid(2)), so that its end is not ours. False where the process already leads a session, which is as good.
    /// </summary>
    public static bool LeaveTerminal() => SetSession() >= 0;

    /// <summary>Points a standard stream (0, 1 or 2) at /dev/null; who waits for its end gets it.</summary>
    public static void CloseStandardStream(int descriptor)
    {
        var nothing = Open("/dev/null", ReadWrite);
        if (nothing < 0) return;
        _ = Duplicate(nothing, descriptor);
        if (nothing > 2) _ = Close(nothing);
    }

    [LibraryImport("libc", EntryPoint = "setsid", SetLastError = true)]
    private static partial int SetSession();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Duplicate(int from, int to);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
