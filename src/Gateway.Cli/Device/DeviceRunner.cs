using Gateway.Cli.Output;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux;
using Gateway.Linux.Netlink;
using Gateway.Linux.Uapi;
using Gateway.Protocol;
using Microsoft.Extensions.Logging;

namespace Gateway.Cli.Device;

/// <summary>Runs one device in this process until it ends.</summary>
internal static partial class DeviceRunner
{
    // A predecessor that is just ending, its device deleted, still answers for a moment.
    private static readonly TimeSpan SocketPatience = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string name, bool foreground)
    {
        if (Environment.GetEnvironmentVariable("WG_TUN_FD") is { Length: > 0 } || Environment.GetEnvironmentVariable("WG_UAPI_FD") is { Length: > 0 })
            throw new CommandException("WG_TUN_FD and WG_UAPI_FD are not supported: unset them, and the device and its socket are made here.", ExitCodes.Usage);
        var level = Level(Environment.GetEnvironmentVariable("LOG_LEVEL"));
        if (!foreground) return await Daemon.StartAsync(name, inheritLog: level != LogLevel.None && Environment.GetEnvironmentVariable("LOG_LEVEL") is { Length: > 0 });

        using var signals = new StopSignals();
        using var logs = Logs.Create(level, level);
        var log = logs.CreateLogger("device");
        await RunAsync(name, signals, logs, log);
        return ExitCodes.Ok;
    }

    private static async Task RunAsync(string name, StopSignals signals, ILoggerFactory logs, ILogger log)
    {
        var crypto = new LibcryptoPrimitives();
        using var ports = new DevicePorts(new LinuxTunnelPorts(logs));
        var realName = ports.Create(new DeviceRequest(name, TunnelLayer.Ip));
        // As wireguard-go: what a WireGuard packet can carry on an Ethernet path over IPv6, until somebody sets another.
        LinkMtu.Set(realName, new TunnelConfig { Id = default, Name = realName }.Mtu);
        using var plane = new DataPlane(new DataPlaneOptions(), ports, crypto, TimeProvider.System, logs.CreateLogger<DataPlane>());
        using var device = new UserspaceDevice(plane, ports, crypto, new TunnelConfig { Id = Guid.NewGuid(), Name = realName, ManageLink = false });
        await device.StartAsync();
        if (device.Status is { State: TunnelState.Failed } failed) throw new PortException(failed.Cause ?? "The device could not be started.", failed.Remedy ?? "");

        await using var uapi = await ListenAsync(realName, device, log);
        LogReady(log, realName, uapi.Path);
        Daemon.TellReady();

        var failure = WaitForFailureAsync(plane);
        var ended = await Task.WhenAny(signals.Stopped, uapi.SocketRemoved, ports.DeviceGone, failure);
        LogEnding(log, realName, ended == signals.Stopped ? "a signal" : ended == uapi.SocketRemoved ? "its socket was removed" : "its device is gone");
    }

    private static async Task<UapiServer> ListenAsync(string name, IUapiTarget target, ILogger log)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return UapiServer.Start(name, target, log);
            }
            catch (PortException e) when (e.ErrorCode == -UapiError.PortInUse && TimeProvider.System.GetElapsedTime(deadline) < SocketPatience)
            {
                await Task.Delay(50);
            }
        }
    }

    private static async Task WaitForFailureAsync(DataPlane plane)
    {
        await foreach (var happened in plane.Events.ReadAllAsync())
        {
            if (happened.Kind == DataPlaneEventKind.TunnelFailed) return;
        }
    }

    // wireguard-go's words, the newer ones (verbose, error, silent) and the older (debug, info).
    internal static LogLevel Level(string? word) => word switch
    {
        "verbose" or "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "silent" => LogLevel.None,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };

    [LoggerMessage(EventId = 6001, Level = LogLevel.Information, Message = "{Device} is ready and listens on {Socket}.")]
    private static partial void LogReady(ILogger logger, string device, string socket);

    [LoggerMessage(EventId = 6002, Level = LogLevel.Information, Message = "{Device} ends: {Why}.")]
    private static partial void LogEnding(ILogger logger, string device, string why);
}
