using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Gateway.Linux.Sockets;

/// <summary>
/// TCP sockets that only hear what came in through one device (SO_BINDTODEVICE): whoever reaches them has come through that tunnel, whatever address
/// they write on their packets elsewhere, and answers leave through it too.
/// </summary>
public static class TunnelListener
{
    // asm-generic/socket.h, linux/in.h, linux/in6.h.
    private const int SocketLevel = 1, BindToDevice = 25, FreeBind = 15, FreeBind6 = 78, IPv6Level = 41, IPLevel = 0;

    /// <summary>Binds one. The address may still be on its way to the device. Throws <see cref="SocketException"/>.</summary>
    public static Socket Bind(string device, IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            Span<byte> on = stackalloc byte[sizeof(int)];
            MemoryMarshal.Write(on, 1);
            var isV6 = endpoint.AddressFamily == AddressFamily.InterNetworkV6;
            socket.SetRawSocketOption(SocketLevel, BindToDevice, Encoding.UTF8.GetBytes(device + "\0"));
            socket.SetRawSocketOption(isV6 ? IPv6Level : IPLevel, isV6 ? FreeBind6 : FreeBind, on);
            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
