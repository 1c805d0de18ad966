using BenchmarkDotNet.Attributes;
using Gateway.Engine.Flows;
using Gateway.Engine.Packets;
using Gateway.Engine.Taps;

namespace Gateway.Benchmarks.Micro;

/// <summary>Counting a packet's flow, and tapping it.</summary>
[MemoryDiagnoser]
public class FlowTableBenchmarks : IDisposable
{
    private const int Flows = 10_000;

    private readonly FlowTable _table = new(65_536);
    private readonly FlowTable _small = new(1000);
    private readonly PacketTap _tap = new();
    private readonly PacketTap _watched = new();
    private readonly byte[] _packet = BenchPackets.Tcp(1360);
    private readonly IpPacket[] _infos = [.. Enumerable.Range(0, Flows).Select(port => BenchPackets.Info(BenchPackets.Tcp(0, sourcePort: (ushort)port)))];
    private readonly PacketTapReader _reader;
    private long _now = TimeSpan.TicksPerDay;
    private int _next;

    public FlowTableBenchmarks() => _reader = _watched.Watch();

    [Benchmark]
    public void RecordOneFlow() => _table.Inbound.Record(1, _infos[7], 1, 1400, _now += 20);

    [Benchmark]
    public void RecordAlternatingFlows() => _table.Inbound.Record(1, _infos[_next++ & 7], 1, 1400, _now += 20);

    [Benchmark]
    public void RecordTenThousandFlows() => _table.Inbound.Record(1, _infos[_next++ * 7919L % Flows], 1, 1400, _now += 20);

    [Benchmark]
    public void RecordAndEvict() => _small.Inbound.Record(1, _infos[_next++ * 7919L % Flows], 1, 1400, _now += 20);

    [Benchmark]
    public void TapUnwatched() => _tap.Write(TapDirection.ToPeer, 1, null, _now, _packet, _packet.Length);

    [Benchmark]
    public void TapWatched() => _watched.Write(TapDirection.ToPeer, 1, null, _now, _packet, _packet.Length);

    [GlobalCleanup]
    public void Dispose()
    {
        _table.Dispose();
        _small.Dispose();
        _reader.Dispose();
        _watched.Dispose();
        _tap.Dispose();
        GC.SuppressFinalize(this);
    }
}
