using System.Collections.Concurrent;
using Gateway.Data;
using Gateway.Engine.Ports;

namespace Gateway.Reconcile;

/// <summary>
/// The MTU of tunnels that have none of their own: what the devices carry that lead to the peers dialled and to everybody else (the default
/// route), the smallest of them, less the overhead. Measured by the reconciler, read by all.
/// </summary>
internal sealed partial class PathMtu(IKernelRoutes kernel, ILogger<PathMtu> logger)
{
    /// <summary>
    /// The most that is chosen by itself: fits a path of 1500 bytes. A larger one here says nothing of the client's end, so jumbo frames are set by a person.
    /// </summary>
    public const int Most = 1420;

    /// <summary>IPv6 header 40, UDP header 8, WireGuard's header and tag 32 (wg-quick takes the same off).</summary>
    private const int OverheadBytes = 80;

    /// <summary>What IPv6 asks of every link (RFC 8200 §5).</summary>
    private const int Least = 1280;

    /// <summary>Peers that are asked for at most: more are on few devices all the same.</summary>
    private const int MaxLookups = 64;

    private readonly ConcurrentDictionary<Guid, int> _measured = new();

    /// <summary>The MTU of a tunnel, set or worked out, bytes.</summary>
    public int Of(Tunnel row) => row.Mtu != 0 ? row.Mtu : _measured.GetValueOrDefault(row.Id, Most);

    /// <summary>Asks the kernel anew, for a tunnel whose MTU is not set.</summary>
    public void Measure(TunnelSlot tunnel)
    {
        if (tunnel.Row.Mtu != 0) return;
        try
        {
            var dialled = tunnel.Peers.Where(p => p.ConfiguredEndpoint is not null).Select(p => p.Config?.Endpoint?.Address).OfType<System.Net.IPAddress>()
                .Distinct().Take(MaxLookups).Select(address => kernel.MtuTowards(address, (uint)tunnel.Row.FirewallMark));
            var path = dialled.Append(kernel.MtuOfDefaultRoutes()).Min();
            _measured[tunnel.Row.Id] = path is { } bytes ? Math.Clamp(bytes - OverheadBytes, Least, Most) : Most;
        }
        catch (PortException e)
        {
            LogNotMeasured(tunnel.Row.Name, e.Message);
        }
    }

    [LoggerMessage(EventId = 1253, Level = LogLevel.Warning, Message = "The MTU of tunnel {Tunnel} could not be worked out and stays: {Cause}")]
    private partial void LogNotMeasured(string tunnel, string cause);
}
