using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Gateway.Engine.Packets;
using Gateway.Engine.Ports;

namespace Gateway.Benchmarks.Micro;

/// <summary>A super-packet of 45 segments cut into packets, and 45 packets joined into one; figures are per packet.</summary>
[MemoryDiagnoser]
public class SuperPacketBenchmarks
{
    private const int Packets = 45, PayloadBytes = 1360;
    private const int Stride = 2048;

    private readonly byte[] _frame = new byte[VirtioHeader.Bytes + 40 + (Packets * PayloadBytes)];
    private readonly byte[] _header = new byte[SuperPacket.MaxHeaderBytes];
    private readonly byte[][] _packets = [.. Enumerable.Range(0, Packets).Select(i => BenchPackets.Tcp(PayloadBytes, (uint)(i * PayloadBytes), (ushort)i))];
    private readonly Coalescer _coalescer = new(new NoWriter(), hasVirtioHeader: true, canUdp: true);
    private nint _memory;

    [GlobalSetup]
    public unsafe void Setup()
    {
        BenchPackets.Tcp(Packets * PayloadBytes).CopyTo(_frame, VirtioHeader.Bytes);
        new VirtioHeader(VirtioHeader.NeedsChecksum, VirtioHeader.GsoTcpV4, 0, PayloadBytes, 20, 16).Write(_frame);
        // SAFETY: freed in Cleanup.
        _memory = (nint)NativeMemory.AllocZeroed(Packets * Stride);
        for (var i = 0; i < Packets; i++) _packets[i].CopyTo(Slot(i));
    }

    [GlobalCleanup]
    public unsafe void Cleanup() => NativeMemory.Free((void*)_memory);

    [Benchmark(OperationsPerInvoke = Packets)]
    public int Split()
    {
        if (SuperPacket.TryPlan(_frame, out var plan) != SplitStatus.Ok) return 0;
        for (var i = 0; i < plan.Count; i++) plan.BuildHeader(i, _header, _frame.AsSpan(plan.PayloadOffset(i), plan.PayloadBytes(i)));
        return plan.Count;
    }

    [Benchmark(OperationsPerInvoke = Packets)]
    public void Coalesce()
    {
        // The run's head was rewritten by the round before.
        _packets[0].AsSpan(0, 40).CopyTo(Slot(0));
        _coalescer.Begin();
        for (var i = 0; i < Packets; i++)
        {
            var packet = Slot(i)[..(40 + PayloadBytes)];
            IpPacket.TryParse(packet, out var info);
            _coalescer.Add(_memory + (i * Stride) + Coalescer.HeadroomBytes, packet.Length, info);
        }

        _coalescer.Flush();
    }

    // SAFETY: within the memory of Setup.
    private unsafe Span<byte> Slot(int index) => new((byte*)_memory + (index * Stride) + Coalescer.HeadroomBytes, Stride - Coalescer.HeadroomBytes);

    private sealed class NoWriter : ICoalescedWriter
    {
        public void Write(ReadOnlySpan<Segment> pieces, int packets)
        {
        }
    }
}
