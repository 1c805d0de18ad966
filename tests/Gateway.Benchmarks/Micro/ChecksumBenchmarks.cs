using BenchmarkDotNet.Attributes;
using Gateway.Engine.Packets;

namespace Gateway.Benchmarks.Micro;

/// <summary>The Internet checksum over one packet, and the parser beside it.</summary>
[MemoryDiagnoser]
public class ChecksumBenchmarks
{
    private readonly byte[] _data = new byte[1400];
    private readonly byte[] _packet = BenchPackets.Tcp(1360);

    [Benchmark]
    public uint Checksum1400Bytes() => Checksum.Add(_data, 0);

    [Benchmark]
    public uint Checksum20Bytes() => Checksum.Add(_data.AsSpan(0, 20), 0);

    [Benchmark]
    public int ParsePacket() => IpPacket.TryParse(_packet, out var info) == PacketStatus.Ok ? info.TotalBytes : 0;
}
