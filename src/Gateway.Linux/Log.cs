using Microsoft.Extensions.Logging;

namespace Gateway.Linux;

/// <summary>Event ids 3000-3099 are this assembly's.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Information, "Device {Device} is open: virtio header {VnetHeader}, TCP segmentation {Tcp}, UDP segmentation {Udp}.")]
    public static partial void DeviceOpened(ILogger logger, string device, bool vnetHeader, bool tcp, bool udp);

    [LoggerMessage(3001, LogLevel.Warning, "The kernel refused a UDP super-packet on device {Device}; UDP goes out in single packets from now on.")]
    public static partial void DeviceUdpSegmentationOff(ILogger logger, string device);

    [LoggerMessage(3010, LogLevel.Information, "UDP port {Port} is open: {Family}, segmentation (GSO) {Segmentation}, coalescing (GRO) {Coalescing}, buffers {ReceiveBytes}/{SendBytes} bytes.")]
    public static partial void SocketOpened(ILogger logger, ushort port, string family, bool segmentation, bool coalescing, int receiveBytes, int sendBytes);

    [LoggerMessage(3011, LogLevel.Warning, "The kernel cannot segment UDP on the way out of port {Port} ({Cause}); datagrams are sent singly from now on.")]
    public static partial void SegmentationOff(ILogger logger, ushort port, string cause);

    [LoggerMessage(3012, LogLevel.Information, "Segmented sends from port {Port} were refused for a destination ({Cause}: its path takes smaller packets than the tunnel's MTU makes); such destinations get single datagrams. Said once.")]
    public static partial void SegmentationOffForDestination(ILogger logger, ushort port, string cause);

    [LoggerMessage(3013, LogLevel.Information, "Port {Port} has no IPv6: {Cause}.")]
    public static partial void NoIpv6(ILogger logger, ushort port, string cause);
}
