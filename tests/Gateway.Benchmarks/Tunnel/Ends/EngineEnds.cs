using System.Globalization;
using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>The engine alone on both hosts, the gateway's one with or without somebody who reads its packets.</summary>
/// <param name="recordedPeers">Of the gateway's one; 0 = its flight recorder is off.</param>
internal sealed class EngineEnds(Bed bed, Slot slot, int recordedPeers = 2_048) : IAsyncDisposable
{
    private readonly Keys _keys = new();
    private Child? _gateway, _client;
    private bool _watched;

    private Bed Bed => bed;

    private Slot Slot => slot;

    /// <summary>Packets that the watcher read, and that it was too slow for, of the last watched run.</summary>
    public (long Read, long Lost) LastWatch { get; private set; }

    public async Task Start()
    {
        var (gateway, client) = (await _keys.Make("gateway"), await _keys.Make("client"));
        _gateway = await Start(bed.Gateway, EngineProcess.Arguments(
            $"eng{slot.Number}", gateway.PrivateFile, slot.Port, Addresses(slot.GatewayAddress), [], client.Public, Single(slot.ClientAddress), null, recordedPeers));
        _client = await Start(bed.U, EngineProcess.Arguments(
            $"enc{slot.Number}", client.PrivateFile, 0, Addresses(slot.ClientAddress), Single(slot.VAddress), gateway.Public, Single(slot.VAddress), Bed.Endpoint(slot, Family.V4), 0));
        await bed.UReachesV(slot);
    }

    /// <summary>The same pair as a column of its own.</summary>
    public ITunnelEnds Column(string name, bool watched) => new State(this, name, watched);

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        if (_gateway is not null) await _gateway.DisposeAsync();
        _keys.Dispose();
    }

    private async Task SetWatched(bool watched)
    {
        if (watched == _watched) return;
        _watched = watched;
        var before = _gateway!.Output.Length;
        await _gateway.Type(watched ? EngineProcess.Watch : EngineProcess.Unwatch);
        var answer = await Eventually.Get(
            () => Task.FromResult(_gateway.Output[before..] is { Length: > 0 } text && text.EndsWith('\n') ? text.Trim() : null), "the engine's answer");
        if (watched ? answer != EngineProcess.Watching : !answer.StartsWith(EngineProcess.Unwatched, StringComparison.Ordinal)) throw new InvalidOperationException($"the engine said: {answer}");
        if (!watched && answer.Split(' ') is [_, var read, var lost]) LastWatch = (Whole(read), Whole(lost));
    }

    private static async Task<Child> Start(Host host, string[] arguments)
    {
        var process = host.Start([Path.Combine(AppContext.BaseDirectory, "Gateway.Benchmarks"), "tunnel", .. arguments]);
        await process.Says(EngineProcess.Up);
        return process;
    }

    private static string[] Addresses(Func<Family, string> address) => [$"{address(Family.V4)}/{Slot.InternalPrefixLength4}", $"{address(Family.V6)}/{Slot.InternalPrefixLength6}"];

    private static string[] Single(Func<Family, string> address) => [$"{address(Family.V4)}/32", $"{address(Family.V6)}/128"];

    private static long Whole(string number) => long.Parse(number, CultureInfo.InvariantCulture);

    private sealed class State(EngineEnds ends, string name, bool watched) : ITunnelEnds
    {
        public string Name => name;

        public Bed Bed => ends.Bed;

        public Slot Slot => ends.Slot;

        public int GatewayProcessId => ends._gateway!.Id;

        public Task Prepare() => ends.SetWatched(watched);

        public Task Start() => Task.CompletedTask;

        public Task DialOver(Family outer) => throw new NotSupportedException("the watched pair stays on IPv4");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
