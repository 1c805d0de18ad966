using Gateway.Engine.Ports;

namespace Gateway.Cli.Device;

/// <summary>
/// The ports of one <c>gateway device</c>. Device and sockets are opened here first, so that a refusal is known before anything changes; the engine
/// then gets what was opened. A device that dies is not made again: like wireguard-go, the process ends with it.
/// </summary>
internal sealed class DevicePorts(ITunnelPorts inner) : ITunnelPorts, IDisposable
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITunnelDevice? _device;
    private (SocketRequest Request, IDatagramSocket Socket)? _reserved;

    /// <summary>Completes when the engine wants to open the device again: it is gone.</summary>
    public Task DeviceGone => _gone.Task;

    /// <summary>Makes the device and answers its real name. Throws <see cref="PortException"/>.</summary>
    public string Create(DeviceRequest request)
    {
        _device = inner.OpenDevice(request);
        return _device.Name;
    }

    /// <summary>Binds a port for the engine's next <see cref="OpenSocket"/> of the same request. Throws <see cref="PortException"/>.</summary>
    public void Reserve(SocketRequest request)
    {
        var socket = inner.OpenSocket(request);
        lock (_lock)
        {
            _reserved?.Socket.Dispose();
            _reserved = (request, socket);
        }
    }

    /// <inheritdoc/>
    public ITunnelDevice OpenDevice(DeviceRequest request)
    {
        lock (_lock)
        {
            if (_device is { } device)
            {
                _device = null;
                return device;
            }
        }

        _gone.TrySetResult();
        throw new PortException($"The device {request.Name} is gone.", "Start gateway device again.");
    }

    /// <inheritdoc/>
    public IDatagramSocket OpenSocket(SocketRequest request)
    {
        lock (_lock)
        {
            if (_reserved is { } reserved)
            {
                _reserved = null;
                if (reserved.Request == request) return reserved.Socket;
                reserved.Socket.Dispose();
            }
        }

        return inner.OpenSocket(request);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _device?.Dispose();
            _reserved?.Socket.Dispose();
            (_device, _reserved) = (null, null);
        }
    }
}
