using System.Collections.Immutable;
using Gateway.Engine;

namespace Gateway.Linux.Uapi;

/// <summary>What a UAPI socket reads and changes: a device of this process.</summary>
public interface IUapiTarget
{
    /// <summary>The device as configured and as it is, for <c>get</c>; null once it is gone (answered with ENODEV). Any thread.</summary>
    UapiDevice? Read();

    /// <summary>
    /// Carries a <c>set</c> out, whole or not at all. Calls may come from several connections at once.
    /// </summary>
    ValueTask<UapiError?> ChangeAsync(UapiChange change, CancellationToken cancellationToken);
}

/// <summary>A device as configured and as it is.</summary>
/// <param name="Config">What is wanted of it, keys included.</param>
/// <param name="Status">How it runs.</param>
/// <param name="Peers">How its peers are.</param>
public sealed record UapiDevice(TunnelConfig Config, TunnelStatus Status, ImmutableArray<PeerStatus> Peers);

/// <summary>Why a request was refused.</summary>
/// <param name="Code">What follows <c>errno=</c>: negative, as wireguard-go sends it; wg turns it into the system's words.</param>
/// <param name="Message">One sentence for the log; never holds a key.</param>
public sealed record UapiError(int Code, string Message)
{
    /// <summary>EPERM: managed by somebody else.</summary>
    public const int NotPermitted = -1;

    /// <summary>EIO: the device does not take it.</summary>
    public const int Io = -5;

    /// <summary>ENODEV: the device is gone.</summary>
    public const int NoDevice = -19;

    /// <summary>EINVAL: a value or key that is none.</summary>
    public const int Invalid = -22;

    /// <summary>EPROTO: a line that is none.</summary>
    public const int Protocol = -71;

    /// <summary>EADDRINUSE: the listen port belongs to another socket.</summary>
    public const int PortInUse = -98;
}
