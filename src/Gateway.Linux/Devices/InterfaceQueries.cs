using Gateway.Linux.Native;

namespace Gateway.Linux.Devices;

/// <summary>The few questions about a device that an ioctl answers, in the calling thread's network namespace.</summary>
internal static unsafe class InterfaceQueries
{
    /// <summary>The index of a device, 0 where there is none.</summary>
    public static int FindIndex(string name) => Ask(InterfaceControl.GetIndex, name, 0, out var index) == 0 ? index : 0;

    /// <summary>The MTU of a device in bytes, 0 where there is none.</summary>
    public static int FindMtu(string name) => Ask(InterfaceControl.GetMtu, name, 0, out var mtu) == 0 ? mtu : 0;

    /// <summary>Sets txqueuelen; 0 or the errno.</summary>
    public static int SetQueueLength(string name, int packets) => Ask(InterfaceControl.SetQueueLength, name, packets, out _);

    private static int Ask(nuint request, string name, int value, out int answer)
    {
        answer = 0;
        var socket = Libc.Socket(SocketNumbers.Inet, SocketNumbers.Datagram | OpenFlags.CloseOnExec, 0);
        if (socket < 0) return Errno.Last;
        IfReq interfaceRequest = default;
        interfaceRequest.SetName(name);
        interfaceRequest.Value = value;
        // SAFETY: the ioctl reads and writes the ifreq of this frame.
        var error = Libc.IoControl(socket, request, &interfaceRequest) < 0 ? Errno.Last : 0;
        _ = Libc.Close(socket);
        answer = interfaceRequest.Value;
        return error;
    }
}
