using System.Collections.Immutable;
using System.Threading.Channels;
using Gateway.Engine.Ports;
using Gateway.Protocol;
using Microsoft.Extensions.Logging;

namespace Gateway.Engine;
// CONTRACT STUB: to be completed.

/// <summary>Settings of the data plane.</summary>
public sealed record DataPlaneOptions
{
    /// <summary>Flows kept at most, over all tunnels together per tunnel; the oldest goes first. Memory: 256 bytes each.</summary>
    public int FlowCapacity { get; init; } = 65_536;
}

/// <summary>What came of a crafted packet.</summary>
/// <param name="Written">Whether it was written.</param>
/// <param name="Error">Why not: one sentence; null when written.</param>
public sealed record InjectResult(bool Written, string? Error);

/// <summary>
/// The data plane: runs the tunnels of the configuration last applied. All members may be called from any thread.
/// </summary>
public sealed class DataPlane : IDisposable
{
    /// <summary>Makes a data plane without tunnels.</summary>
    public DataPlane(DataPlaneOptions options, ITunnelPorts ports, ICryptoPrimitives crypto, TimeProvider time, ILogger<DataPlane> logger) => throw new NotImplementedException();

    /// <summary>What happens, oldest dropped when nobody reads (capacity 1024).</summary>
    public ChannelReader<DataPlaneEvent> Events => throw new NotImplementedException();

    /// <summary>
    /// Brings the running tunnels to these: opens new ones, closes those not listed, changes the rest in place so that unchanged peers keep their sessions.
    /// A tunnel that cannot be opened ends up <see cref="TunnelState.Failed"/> and is retried; it never makes this call throw. Completes when every tunnel
    /// has been opened or has failed once.
    /// </summary>
    public Task ApplyAsync(ImmutableArray<TunnelConfig> tunnels, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>All tunnels as they are now.</summary>
    public ImmutableArray<TunnelStatus> GetStatus() => throw new NotImplementedException();

    /// <summary>Writes one crafted IP packet (or Ethernet frame, on TAP) to a tunnel's device, as if a peer had sent it. Garbage is refused.</summary>
    public InjectResult InjectToDevice(Guid tunnelId, ReadOnlySpan<byte> packet) => throw new NotImplementedException();

    /// <summary>Sends one crafted IP packet (or Ethernet frame) to a peer, as if it had been read from the device. Garbage is refused.</summary>
    public InjectResult InjectToPeer(Guid tunnelId, Guid peerId, ReadOnlySpan<byte> packet) => throw new NotImplementedException();

    /// <summary>Stops all tunnels, closes devices and sockets, erases keys.</summary>
    public void Dispose() => throw new NotImplementedException();
}
