using System.Buffers.Binary;
using System.Diagnostics;

namespace Gateway.Netns.Tests.Harness;

/// <summary>tcpdump at one device, its packets read as they come.</summary>
internal sealed class Capture : IAsyncDisposable
{
    // pcap link types: https://www.tcpdump.org/linktypes.html
    private const uint Ethernet = 1, RawIpOld = 12, RawIp = 101;
    private const int FileHeaderLength = 24, RecordHeaderLength = 16;

    private readonly Process _tcpdump;
    private readonly string _where;
    private readonly List<Packet> _packets = [];
    private readonly Task _reading;

    private Capture(Process tcpdump, string where)
    {
        _tcpdump = tcpdump;
        _where = where;
        _reading = Read(tcpdump.StandardOutput.BaseStream);
    }

    /// <summary>A copy of what was captured so far.</summary>
    public IReadOnlyList<Packet> Packets
    {
        get
        {
            lock (_packets) return [.. _packets];
        }
    }

    /// <summary>Starts capturing and returns once tcpdump listens.</summary>
    public static async Task<Capture> Start(Host host, string device, string filter = "")
    {
        var tcpdump = Command.Start(host.Inside(["tcpdump", "-n", "-U", "--immediate-mode", "-Z", "root", "-w", "-", "-i", device, .. filter.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        while (await tcpdump.StandardError.ReadLineAsync(deadline.Token) is { } line)
        {
            if (line.Contains("listening on", StringComparison.Ordinal))
            {
                _ = tcpdump.StandardError.ReadToEndAsync(CancellationToken.None);
                return new Capture(tcpdump, $"{device} of {host.Name}");
            }
        }
        throw new InvalidOperationException($"tcpdump at {device} of {host.Name} ended");
    }

    /// <summary>Waits for a packet and returns it.</summary>
    public Task<Packet> Sees(Func<Packet, bool> which, string what, TimeSpan? deadline = null) => Eventually.Get(
        () => Task.FromResult(Packets.FirstOrDefault(which)), $"{what} at {_where}", deadline,
        () => Packets.Count == 0 ? "nothing" : string.Join("; ", Packets.TakeLast(12)));

    /// <summary>Fails if such a packet was captured up to now. Ask only after something later was seen.</summary>
    public void SawNo(Func<Packet, bool> which, string what)
    {
        if (Packets.FirstOrDefault(which) is { } found) throw new InvalidOperationException($"{what} at {_where}: {found}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_tcpdump.HasExited) _tcpdump.Kill();
        await _tcpdump.WaitForExitAsync();
        await _reading;
        _tcpdump.Dispose();
    }

    private async Task Read(Stream stream)
    {
        var header = new byte[FileHeaderLength];
        if (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false) < header.Length) return;
        var link = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(20)) & 0xFFFF;
        if (link is not (Ethernet or RawIp or RawIpOld)) throw new NotSupportedException($"pcap link type {link} at {_where}");
        var record = new byte[RecordHeaderLength];
        while (await stream.ReadAtLeastAsync(record, record.Length, throwOnEndOfStream: false) == record.Length)
        {
            var bytes = new byte[BinaryPrimitives.ReadInt32LittleEndian(record.AsSpan(8))];
            if (await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length) return;
            var packet = link == Ethernet ? Packet.FromEthernet(bytes) : Packet.FromIp(bytes);
            lock (_packets) _packets.Add(packet);
        }
    }
}
