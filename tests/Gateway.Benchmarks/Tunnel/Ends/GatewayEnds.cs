namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>The product: the host on the gateway, its tunnel, peer and routes made over REST, and `gateway connect` on U with the file it hands out.</summary>
/// <param name="manyPeers">Whether <see cref="ManyPeersSeed"/>'s are there too.</param>
internal sealed class GatewayEnds(Bed bed, Slot slot, string name, bool manyPeers = false) : ITunnelEnds
{
    private const string Device = "wg0";

    private ConnectProcess? _client;
    private LiveWatchers? _watchers;

    public string Name => name;

    public Bed Bed => bed;

    public Slot Slot => slot;

    public int GatewayProcessId => bed.Lab.Gateway.ProcessId;

    public async Task Start()
    {
        try
        {
            await MakeTunnel();
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidOperationException($"{exception.Message}; the gateway logged: {bed.Lab.Gateway.Log.Trim()}", exception);
        }
        await bed.UReachesV(slot);
    }

    public async Task DialOver(Family outer)
    {
        await _client!.DialTo(Bed.Endpoint(slot, outer));
        await bed.UReachesV(slot);
    }

    /// <summary>The same pair as a column of its own, while its live data is watched or is not.</summary>
    public ITunnelEnds Column(string column, bool watched) => new State(this, column, watched);

    /// <summary>What the watchers of the last watched run saw.</summary>
    public (long Updates, long Packets, long Skipped) LastWatch { get; private set; }

    public async ValueTask DisposeAsync()
    {
        if (_watchers is not null) await _watchers.DisposeAsync();
        if (_client is not null) await _client.DisposeAsync();
        await bed.Lab.Gateway.Stop();
    }

    private async Task MakeTunnel()
    {
        var gateway = bed.Lab.Gateway;
        gateway.Executable = Products.Host;
        await gateway.Start();
        await gateway.Api.Post("tunnels", new
        {
            name = Device,
            listenPort = slot.Port,
            addresses = new[] { $"{slot.GatewayAddress(Family.V4)}/{Slot.InternalPrefixLength4}", $"{slot.GatewayAddress(Family.V6)}/{Slot.InternalPrefixLength6}" },
            mtu = Slot.Mtu,
            endpoint = Bed.Endpoint(slot, Family.V4),
        });
        var peer = await gateway.Api.Post($"tunnels/{Device}/peers", new
        {
            name = "host-u",
            addresses = new[] { $"{slot.ClientAddress(Family.V4)}/32", $"{slot.ClientAddress(Family.V6)}/128" },
        });
        var id = peer["id"]!.GetValue<string>();
        foreach (var prefix in (string[])[$"{slot.VAddress(Family.V4)}/32", $"{slot.VAddress(Family.V6)}/128"])
            await gateway.Api.Post($"peers/{id}/routes", new { prefix, installOn = "client" });

        var config = await gateway.Api.Config(id);
        if (manyPeers)
        {
            await gateway.Stop();
            await ManyPeersSeed.Add(Path.Combine(gateway.DataDirectory, "gateway.db"), slot);
            await gateway.Start();
        }
        _client = new ConnectProcess(bed.U, $"gwc{slot.Number}", config);
        await _client.Start();
    }

    private async Task SetWatched(bool watched)
    {
        if (watched == _watchers is not null) return;
        if (_watchers is null)
        {
            _watchers = await LiveWatchers.Start(bed.Lab.Gateway);
            return;
        }

        LastWatch = _watchers.Seen;
        await _watchers.DisposeAsync();
        _watchers = null;
    }

    private sealed class State(GatewayEnds ends, string column, bool watched) : ITunnelEnds
    {
        public string Name => column;

        public Bed Bed => ends.Bed;

        public Slot Slot => ends.Slot;

        public int GatewayProcessId => ends.GatewayProcessId;

        public Task Prepare() => ends.SetWatched(watched);

        public Task Start() => Task.CompletedTask;

        public Task DialOver(Family outer) => throw new NotSupportedException("the watched pair stays on IPv4");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
