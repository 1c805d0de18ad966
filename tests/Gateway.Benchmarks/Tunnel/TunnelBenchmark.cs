using Gateway.Benchmarks.Tunnel.Ends;
using Gateway.Benchmarks.Tunnel.Report;
using Gateway.Benchmarks.Tunnel.Traffic;

namespace Gateway.Benchmarks.Tunnel;

/// <summary>The sections, in their order. One that fails is told and the others go on.</summary>
internal sealed class TunnelBenchmark(TunnelOptions options, TextWriter output, TextWriter progress, CancellationToken cancellation)
{
    // The compiler's last tier comes after some seconds of load, each way.
    private const int WarmUpRounds = 2;

    private readonly Runner _runner = new(options, progress, cancellation);
    private readonly Loads _loads = new(options.RunTime, cancellation);
    private readonly Criteria _criteria = new();
    private bool _complete = true;

    /// <returns>Whether everything could be measured.</returns>
    public async Task<bool> Run()
    {
        await output.WriteLineAsync($"{MachineFacts.Text()}; medians of {options.Runs} interleaved runs of {options.Seconds} s; a ratio above 1 says that the second is better");
        if (options.NeedsProducts) await Attempt("publishing", Publish);
        if (options.IsSideBySide) await Attempt("side by side", SideBySide);
        if (options.Has("peers")) await Attempt("many peers", ManyPeers);
        if (options.Has("watched")) await Attempt("watched", Watched);
        if (options.Has("recorded")) await Attempt("recorded", Recorded);
        if (options.Has("live")) await Attempt("live", Live);
        await _criteria.Print(output);
        return _complete;
    }

    private async Task Publish()
    {
        await progress.WriteLineAsync("publishing");
        await Products.Publish(options.NeedsHost);
    }

    /// <summary>Both pairs of ends between the same hosts.</summary>
    private async Task SideBySide()
    {
        Slot first = new(1), second = new(0);
        await using var bed = await Bed.Create(second, first);
        await using var a = MakeEnds(options.First, bed, first, options.First);
        await using var b = MakeEnds(options.Second, bed, second, options.Second == options.First ? options.Second + " 2" : options.Second);
        ITunnelEnds[] ends = [a, b];
        await StartAndWarmUp(ends);

        Probe[] throughput = Probes.Throughput(_loads, Family.V4), throughput6 = Probes.Throughput(_loads, Family.V6), datagrams = Probes.Datagrams(_loads);
        _criteria.SideBySide(await Section("base", "IPv4 inside and outside", ends, [.. throughput, .. datagrams, .. Probes.SmallDatagrams(_loads), .. Probes.RoundTrips(_loads)]), ends);
        if (options.Has("nouso"))
        {
            await bed.SetUdpSegmentation(false);
            await Section("nouso", "the same with tx-udp-segmentation off on the outer devices", ends, [.. throughput, .. datagrams]);
            await bed.SetUdpSegmentation(true);
        }
        await Section("ipv6", "IPv6 inside, IPv4 outside", ends, throughput6);
        if (options.Has("ipv6"))
        {
            foreach (var pair in ends) await pair.DialOver(Family.V6);
            await Section("ipv6", "IPv6 inside and outside", ends, throughput6);
        }
        if (options.Has("memory")) await TellMemory("memory of the gateway's end", ends);
        if (options.Has("idle")) await TellIdle(ends);
    }

    /// <summary>The product with one peer, and beside it, in hosts of its own, with thousands.</summary>
    private async Task ManyPeers()
    {
        Slot slot = new(0);
        await using var fewBed = await Bed.Create(slot);
        await using var manyBed = await Bed.Create(slot);
        await using var few = new GatewayEnds(fewBed, slot, "1 peer");
        await using var many = new GatewayEnds(manyBed, slot, $"{ManyPeersSeed.Peers} peers", manyPeers: true);
        ITunnelEnds[] ends = [few, many];
        await StartAndWarmUp(ends);
        var results = await Section("peers", $"{ManyPeersSeed.Peers} peers with {ManyPeersSeed.Prefixes} prefixes (written into the database before the start) against one peer", ends, Probes.Throughput(_loads, Family.V4));
        await TellMemory("their memory", ends);
        _criteria.ManyPeers(results, ends, ProcessUse.Memory(many.GatewayProcessId).Highest);
    }

    /// <summary>The engine in processes of the benchmark's own, one of which has its packets read when told to.</summary>
    private async Task Watched()
    {
        Slot slot = new(0);
        await using var bed = await Bed.Create(slot);
        await using var engine = new EngineEnds(bed, slot);
        await engine.Start();
        ITunnelEnds[] ends = [engine.Column("not watched", watched: false), engine.Column("watched", watched: true)];
        await WarmUp(ends);
        await Section("watched", "the engine alone, its packets being watched against nobody watching", ends, Probes.Throughput(_loads, Family.V4));
        await ends[0].Prepare();
        var (read, lost) = engine.LastWatch;
        await output.WriteLineAsync($"the watcher of the last watched run read {read} packets and was too slow for {lost}");
    }

    /// <summary>The engine with its flight recorder and without, side by side.</summary>
    private async Task Recorded()
    {
        Slot first = new(1), second = new(0);
        await using var bed = await Bed.Create(second, first);
        await using var off = new EngineEnds(bed, first, recordedPeers: 0);
        await using var on = new EngineEnds(bed, second);
        await off.Start();
        await on.Start();
        ITunnelEnds[] ends = [off.Column("not recorded", watched: false), on.Column("recorded", watched: false)];
        await WarmUp(ends);
        _criteria.Recorded(await Section("recorded", "the engine alone, the headers of its peers' last packets being kept against not", ends, [.. Probes.Throughput(_loads, Family.V4), .. Probes.SmallDatagrams(_loads)]), ends);
    }

    /// <summary>The product while its dashboards' streams run, and while they do not.</summary>
    private async Task Live()
    {
        Slot slot = new(0);
        await using var bed = await Bed.Create(slot);
        await using var gateway = new GatewayEnds(bed, slot, "gateway");
        await gateway.Start();
        ITunnelEnds[] ends = [gateway.Column("nobody watching", watched: false), gateway.Column("11 watchers", watched: true)];
        await WarmUp(ends);
        var results = await Section("live", "ten watchers of flows and one of packets over the hub, on the same cores, against nobody watching", ends, Probes.Throughput(_loads, Family.V4));
        await ends[0].Prepare();
        var (updates, packets, skipped) = gateway.LastWatch;
        await output.WriteLineAsync($"the watchers of the last watched run got {updates} updates with {packets} packets and were told of {skipped} that they do not see");
        _criteria.Watched(results, ends);
    }

    private async Task StartAndWarmUp(ITunnelEnds[] ends)
    {
        await progress.WriteLineAsync($"starting {string.Join(" and ", ends.Select(pair => pair.Name))}");
        foreach (var pair in ends) await pair.Start();
        await WarmUp(ends);
    }

    /// <summary>Lets the just-in-time compiler see the load before it counts.</summary>
    private async Task WarmUp(ITunnelEnds[] ends)
    {
        for (var round = 0; round < WarmUpRounds; round++)
        {
            foreach (var pair in ends)
            {
                foreach (var direction in Enum.GetValues<Direction>()) await _loads.Tcp(pair, direction, 1, Family.V4);
            }
        }
    }

    private async Task TellMemory(string title, ITunnelEnds[] ends)
    {
        await output.WriteLineAsync($"\n{title}, MB resident (at its highest)");
        foreach (var pair in ends)
        {
            var (now, highest) = ProcessUse.Memory(pair.GatewayProcessId);
            await output.WriteLineAsync($"  {pair.Name,-16}{now,6:F0} ({highest:F0})");
        }
    }

    private async Task TellIdle(ITunnelEnds[] ends)
    {
        await progress.WriteLineAsync("idle");
        var use = await Task.WhenAll(ends.Select(pair => ProcessUse.CpuPercent(pair.GatewayProcessId, options.IdleTime, cancellation)));
        await output.WriteLineAsync($"\nCPU of the gateway's end without traffic over {options.IdleTime.TotalSeconds} s, % of a core");
        for (var i = 0; i < ends.Length; i++) await output.WriteLineAsync($"  {ends[i].Name,-16}{use[i],6:F2}");
        _criteria.Idle(ends[1], use[1]);
    }

    private async Task<Results?> Section(string name, string title, ITunnelEnds[] ends, Probe[] probes)
    {
        if (!options.Has(name)) return null;
        Results? results = null;
        await Attempt(title, async () =>
        {
            results = await _runner.Interleave(title, ends, probes);
            Table.Print(output, title, results, ends[0].Name, ends[1].Name);
        });
        return results;
    }

    private async Task Attempt(string title, Func<Task> section)
    {
        if (cancellation.IsCancellationRequested) return;
        try
        {
            await section();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            _complete = false;
            await output.WriteLineAsync($"\n{title}: interrupted");
        }
        catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or IOException or HttpRequestException)
        {
            _complete = false;
            await output.WriteLineAsync($"\n{title}: not measured: {exception.Message}");
        }
    }

    private static ITunnelEnds MakeEnds(string kind, Bed bed, Slot slot, string name) => kind switch
    {
        "wireguard-go" => new WireGuardGoEnds(bed, slot, name),
        "gateway" => new GatewayEnds(bed, slot, name),
        "connect" => new ConnectEnds(bed, slot, name),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown ends"),
    };
}
