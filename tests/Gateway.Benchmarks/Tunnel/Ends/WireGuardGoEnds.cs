using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>Debian's wireguard-go on both hosts, set up with wg and ip.</summary>
internal sealed class WireGuardGoEnds(Bed bed, Slot slot, string name) : ITunnelEnds
{
    private readonly string _device = $"wgo{slot.Number}";
    private readonly Keys _keys = new();
    private readonly List<Child> _processes = [];
    private string _gatewayKey = "";

    public string Name => name;

    public Bed Bed => bed;

    public Slot Slot => slot;

    public int GatewayProcessId { get; private set; }

    public async Task Start()
    {
        var (gatewayKeys, clientKeys) = (await _keys.Make("gateway"), await _keys.Make("client"));
        _gatewayKey = gatewayKeys.Public;

        var gateway = await StartDevice(bed.Gateway);
        GatewayProcessId = gateway.Id;
        await bed.Gateway.Run("wg", "set", _device, "private-key", gatewayKeys.PrivateFile, "listen-port", $"{slot.Port}",
            "peer", clientKeys.Public, "allowed-ips", $"{slot.ClientAddress(Family.V4)}/32,{slot.ClientAddress(Family.V6)}/128");
        await Configure(bed.Gateway, slot.GatewayAddress);

        await StartDevice(bed.U);
        await bed.U.Run("wg", "set", _device, "private-key", clientKeys.PrivateFile,
            "peer", gatewayKeys.Public, "endpoint", Bed.Endpoint(slot, Family.V4), "allowed-ips", $"{slot.VAddress(Family.V4)}/32,{slot.VAddress(Family.V6)}/128");
        await Configure(bed.U, slot.ClientAddress);
        await bed.U.Ip($"route add {slot.VAddress(Family.V4)} dev {_device}");
        await bed.U.Ip($"-6 route add {slot.VAddress(Family.V6)} dev {_device}");
        await bed.UReachesV(slot);
    }

    public async Task DialOver(Family outer)
    {
        await bed.U.Run("wg", "set", _device, "peer", _gatewayKey, "endpoint", Bed.Endpoint(slot, outer));
        await bed.UReachesV(slot);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
        _keys.Dispose();
    }

    private async Task<Child> StartDevice(Host host)
    {
        var process = host.Start("wireguard-go", "--foreground", _device);
        _processes.Add(process);
        await Eventually.True(async () => process.HasExited || (await host.Try("wg", "show", _device)).ExitCode == 0, $"wireguard-go answering on {host.Name}");
        return process.HasExited ? throw new InvalidOperationException($"wireguard-go ended: {process.Output}") : process;
    }

    private async Task Configure(Host host, Func<Family, string> address)
    {
        await host.Ip($"addr add {address(Family.V4)}/{Slot.InternalPrefixLength4} dev {_device}");
        await host.Ip($"addr add {address(Family.V6)}/{Slot.InternalPrefixLength6} dev {_device} nodad");
        await host.Ip($"link set {_device} mtu {Slot.Mtu} up");
    }
}
