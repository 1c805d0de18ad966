namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>`gateway connect` on both hosts.</summary>
internal sealed class ConnectEnds(Bed bed, Slot slot, string name) : ITunnelEnds
{
    private readonly Keys _keys = new();
    private ConnectProcess? _gateway, _client;

    public string Name => name;

    public Bed Bed => bed;

    public Slot Slot => slot;

    public int GatewayProcessId => _gateway!.Id;

    public async Task Start()
    {
        var (gateway, client) = (await _keys.Make("gateway"), await _keys.Make("client"));
        _gateway = new ConnectProcess(bed.Gateway, $"gwg{slot.Number}", ConnectProcess.GatewayConfig(slot, gateway, client));
        await _gateway.Start();
        _client = new ConnectProcess(bed.U, $"gwc{slot.Number}", ConnectProcess.ClientConfig(slot, client, gateway));
        await _client.Start();
        await bed.UReachesV(slot);
    }

    public async Task DialOver(Family outer)
    {
        await _client!.DialTo(Bed.Endpoint(slot, outer));
        await bed.UReachesV(slot);
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        if (_gateway is not null) await _gateway.DisposeAsync();
        _keys.Dispose();
    }
}
