using System.Runtime.InteropServices;

namespace Gateway.Linux.Native;

/// <summary>Error numbers (asm-generic/errno.h; the same on x86-64 and arm64) and their words.</summary>
internal static class Errno
{
    public const int NotPermitted = 1;          // EPERM
    public const int NoEntry = 2;               // ENOENT
    public const int NoProcess = 3;             // ESRCH
    public const int Interrupted = 4;           // EINTR
    public const int InputOutput = 5;           // EIO
    public const int NoDeviceOrAddress = 6;     // ENXIO
    public const int BadDescriptor = 9;         // EBADF
    public const int TryAgain = 11;             // EAGAIN
    public const int AccessDenied = 13;         // EACCES
    public const int BadAddress = 14;           // EFAULT
    public const int Busy = 16;                 // EBUSY
    public const int Exists = 17;               // EEXIST
    public const int CrossDevice = 18;          // EXDEV
    public const int NoDevice = 19;             // ENODEV
    public const int Invalid = 22;              // EINVAL
    public const int ReadOnlyFileSystem = 30;   // EROFS
    public const int BadDescriptorState = 77;   // EBADFD
    public const int NotSocket = 88;            // ENOTSOCK
    public const int MessageSize = 90;          // EMSGSIZE
    public const int NotSupported = 95;         // EOPNOTSUPP
    public const int FamilyNotSupported = 97;   // EAFNOSUPPORT
    public const int AddressInUse = 98;         // EADDRINUSE
    public const int AddressNotAvailable = 99;  // EADDRNOTAVAIL
    public const int NetworkDown = 100;         // ENETDOWN
    public const int NetworkUnreachable = 101;  // ENETUNREACH
    public const int ConnectionAborted = 103;   // ECONNABORTED
    public const int NoBuffers = 105;           // ENOBUFS
    public const int ConnectionRefused = 111;   // ECONNREFUSED
    public const int HostUnreachable = 113;     // EHOSTUNREACH

    /// <summary>The number that the last call on this thread left.</summary>
    public static int Last => Marshal.GetLastSystemError();

    /// <summary>"File exists (EEXIST)".</summary>
    public static string Describe(int error) => $"{Marshal.GetPInvokeErrorMessage(error)} ({Name(error)})";

    /// <summary>The symbol of a number, or the number itself.</summary>
    public static string Name(int error) => error switch
    {
        NotPermitted => "EPERM",
        NoEntry => "ENOENT",
        NoProcess => "ESRCH",
        Interrupted => "EINTR",
        InputOutput => "EIO",
        NoDeviceOrAddress => "ENXIO",
        BadDescriptor => "EBADF",
        TryAgain => "EAGAIN",
        12 => "ENOMEM",
        AccessDenied => "EACCES",
        BadAddress => "EFAULT",
        Busy => "EBUSY",
        Exists => "EEXIST",
        CrossDevice => "EXDEV",
        NoDevice => "ENODEV",
        Invalid => "EINVAL",
        23 => "ENFILE",
        24 => "EMFILE",
        28 => "ENOSPC",
        ReadOnlyFileSystem => "EROFS",
        34 => "ERANGE",
        BadDescriptorState => "EBADFD",
        NotSocket => "ENOTSOCK",
        MessageSize => "EMSGSIZE",
        92 => "ENOPROTOOPT",
        NotSupported => "EOPNOTSUPP",
        FamilyNotSupported => "EAFNOSUPPORT",
        AddressInUse => "EADDRINUSE",
        AddressNotAvailable => "EADDRNOTAVAIL",
        NetworkDown => "ENETDOWN",
        NetworkUnreachable => "ENETUNREACH",
        ConnectionAborted => "ECONNABORTED",
        NoBuffers => "ENOBUFS",
        110 => "ETIMEDOUT",
        ConnectionRefused => "ECONNREFUSED",
        HostUnreachable => "EHOSTUNREACH",
        _ => $"errno {error}",
    };
}
