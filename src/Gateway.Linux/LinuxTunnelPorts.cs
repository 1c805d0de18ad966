using Gateway.Engine.Ports;
using Gateway.Linux.Devices;
using Gateway.Linux.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Linux;

/// <summary>
/// The kernel's TUN/TAP devices and UDP sockets. Both belong to the network namespace of the thread that opens them, and stay usable
/// from any thread.
/// </summary>
public sealed class LinuxTunnelPorts : ITunnelPorts
{
    private readonly ILogger _logger;
    private readonly LinuxPortOptions _options;

    /// <summary>Makes the ports; they hold nothing until something is opened.</summary>
    public LinuxTunnelPorts(ILoggerFactory? loggers = null) : this(loggers, new LinuxPortOptions())
    {
    }

    internal LinuxTunnelPorts(ILoggerFactory? loggers, LinuxPortOptions options)
    {
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<LinuxTunnelPorts>();
        _options = options;
    }

    /// <inheritdoc/>
    public ITunnelDevice OpenDevice(DeviceRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return TunDevice.Open(request, _options, _logger);
    }

    /// <inheritdoc/>
    public IDatagramSocket OpenSocket(SocketRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return UdpSocket.Open(request, _options, _logger);
    }
}

/// <summary>Takes offloads away, to run as on an older kernel.</summary>
internal sealed record LinuxPortOptions
{
    /// <summary>Ask for IFF_VNET_HDR.</summary>
    public bool VnetHeader { get; init; } = true;

    /// <summary>Use UDP_SEGMENT and UDP_GRO.</summary>
    public bool UdpOffloads { get; init; } = true;

    /// <summary>Try an IPv6 socket first.</summary>
    public bool DualStack { get; init; } = true;
}
