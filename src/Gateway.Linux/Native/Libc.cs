using System.Runtime.InteropServices;

namespace Gateway.Linux.Native;

/// <summary>
/// The C library's calls, with pointers and plain integers only. None sets the marshaller's last error: read <see cref="Errno.Last"/>
/// right after a call that returned a negative value (the runtime keeps errno over the return from native code).
/// </summary>
internal static unsafe partial class Libc
{
    // The runtime maps "libc" to the C library in use (libc.so.6, or musl's).
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "open")]
    public static partial int Open(byte* path, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "read")]
    public static partial nint Read(int descriptor, void* buffer, nuint bytes);

    [LibraryImport(Library, EntryPoint = "write")]
    public static partial nint Write(int descriptor, void* buffer, nuint bytes);

    [LibraryImport(Library, EntryPoint = "writev")]
    public static partial nint WriteV(int descriptor, IoVec* vectors, int count);

    [LibraryImport(Library, EntryPoint = "ioctl")]
    public static partial int IoControl(int descriptor, nuint request, void* argument);

    [LibraryImport(Library, EntryPoint = "ioctl")]
    public static partial int IoControl(int descriptor, nuint request, nuint argument);

    [LibraryImport(Library, EntryPoint = "poll")]
    public static partial int Poll(PollFd* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "eventfd")]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "socket")]
    public static partial int Socket(int domain, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "bind")]
    public static partial int Bind(int descriptor, void* address, uint addressBytes);

    [LibraryImport(Library, EntryPoint = "getsockname")]
    public static partial int GetSockName(int descriptor, void* address, uint* addressBytes);

    [LibraryImport(Library, EntryPoint = "setsockopt")]
    public static partial int SetSockOpt(int descriptor, int level, int name, void* value, uint valueBytes);

    [LibraryImport(Library, EntryPoint = "getsockopt")]
    public static partial int GetSockOpt(int descriptor, int level, int name, void* value, uint* valueBytes);

    [LibraryImport(Library, EntryPoint = "send")]
    public static partial nint Send(int descriptor, void* buffer, nuint bytes, int flags);

    [LibraryImport(Library, EntryPoint = "recv")]
    public static partial nint Receive(int descriptor, void* buffer, nuint bytes, int flags);

    [LibraryImport(Library, EntryPoint = "sendmsg")]
    public static partial nint SendMsg(int descriptor, MsgHdr* message, int flags);

    [LibraryImport(Library, EntryPoint = "sendmmsg")]
    public static partial int SendMMsg(int descriptor, MMsgHdr* messages, uint count, int flags);

    [LibraryImport(Library, EntryPoint = "recvmmsg")]
    public static partial int ReceiveMMsg(int descriptor, MMsgHdr* messages, uint count, int flags, void* timeout);

    [LibraryImport(Library, EntryPoint = "setns")]
    public static partial int SetNamespace(int descriptor, int type);

    [LibraryImport(Library, EntryPoint = "prctl")]
    public static partial int ProcessControl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport(Library, EntryPoint = "capget")]
    public static partial int GetCapabilities(void* header, void* data);

    [LibraryImport(Library, EntryPoint = "capset")]
    public static partial int SetCapabilities(void* header, void* data);

    /// <summary>Sets an integer option; 0, or the errno.</summary>
    public static int SetOption(int descriptor, int level, int name, int value) =>
        // SAFETY: the value lives on this frame until the call returns.
        SetSockOpt(descriptor, level, name, &value, sizeof(int)) < 0 ? Errno.Last : 0;

    /// <summary>Reads an integer option; null where the kernel refuses.</summary>
    public static int? GetOption(int descriptor, int level, int name)
    {
        int value;
        uint bytes = sizeof(int);
        // SAFETY: both live on this frame until the call returns.
        return GetSockOpt(descriptor, level, name, &value, &bytes) < 0 ? null : value;
    }

    /// <summary>Opens a path; the descriptor, or minus the errno.</summary>
    public static int OpenPath(string path, int flags)
    {
        var text = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        // SAFETY: pinned and zero-terminated for the call.
        fixed (byte* pointer = text)
        {
            var descriptor = Open(pointer, flags | OpenFlags.CloseOnExec, 0);
            return descriptor < 0 ? -Errno.Last : descriptor;
        }
    }
}
