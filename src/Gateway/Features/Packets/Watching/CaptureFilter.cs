using System.Runtime.InteropServices;
using Gateway.Contracts;
using Gateway.Web;
using PacketDotNet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace Gateway.Features.Packets.Watching;

/// <summary>
/// A filter in tcpdump's language, compiled and run by libpcap itself, so that it means here what it means there (pcap-filter(7)). One thread at a
/// time.
/// </summary>
internal sealed class CaptureFilter : IDisposable
{
    // DLT_RAW: a packet that begins with its IP header. The library's enumeration has the number of files, 101, which the compiler does not know.
    private const LinkLayers RawIp = (LinkLayers)12;
    private const int MaxLength = 2000;

    // struct pcap_pkthdr: two longs of time, then how much is there and how much there was.
    private const int HeaderBytes = 24, CapturedOffset = 16, OriginalOffset = 20;

    private readonly BpfProgram? _ip, _ethernet;
    private readonly nint _memory;
    private readonly int _snapBytes;

    private CaptureFilter(BpfProgram? ip, BpfProgram? ethernet, int snapBytes)
    {
        _ip = ip;
        _ethernet = ethernet;
        _snapBytes = snapBytes;
        _memory = Marshal.AllocHGlobal(HeaderBytes + snapBytes);
        for (var offset = 0; offset < HeaderBytes; offset += sizeof(long)) Marshal.WriteInt64(_memory, offset, 0);
    }

    /// <summary>Compiles a filter for the kinds of packet that it will meet; null and empty let everything pass.</summary>
    /// <param name="text">The filter.</param>
    /// <param name="forFrames">Whether it will meet Ethernet frames.</param>
    /// <param name="snapBytes">The most bytes of a packet that it will be shown.</param>
    public static Outcome<CaptureFilter> Compile(string? text, bool forFrames, int snapBytes)
    {
        if (string.IsNullOrWhiteSpace(text)) return new CaptureFilter(null, null, snapBytes);
        const string Expected = "It is in tcpdump's language (pcap-filter(7)), such as 'icmp or tcp port 23'.";
        if (text.Length > MaxLength) return Failure.Of(FailureKind.Malformed, "filter", $"It has {text.Length} characters.", $"At most {MaxLength}.");
        if (text.Contains('\0', StringComparison.Ordinal)) return Failure.Of(FailureKind.Malformed, "filter", "It has a zero character.", Expected);
        BpfProgram? ip = null;
        try
        {
            // A filter for frames may ask for MAC addresses, which IP packets do not have; then it is for frames only.
            string? ipError = null;
            try
            {
                ip = BpfProgram.Create(RawIp, text);
            }
            catch (PcapException exception)
            {
                ipError = exception.Message;
            }

            if (ipError is not null && !forFrames) return Failure.Of(FailureKind.Malformed, "filter", $"libpcap says: {ipError.TrimEnd('.')}.", Expected);
            return new CaptureFilter(ip, forFrames ? BpfProgram.Create(LinkLayers.Ethernet, text) : null, snapBytes);
        }
        catch (PcapException exception)
        {
            ip?.Dispose();
            return Failure.Of(FailureKind.Malformed, "filter", $"libpcap says: {exception.Message.TrimEnd('.')}.", Expected);
        }
        catch (Exception exception) when (exception is DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            return new Failure(FailureKind.Unavailable, "Packet filters need the library libpcap on the gateway's host: apt-get install libpcap0.8. Without a filter packets can be watched all the same.",
                [new FieldError("filter", "The library libpcap is not installed.", "Leave the filter out, or install libpcap0.8.")]);
        }
    }

    /// <summary>Whether a packet passes.</summary>
    /// <param name="packet">Holds the packet's first bytes.</param>
    /// <param name="captured">How many of them.</param>
    /// <param name="original">How long it was.</param>
    /// <param name="isEthernet">Whether it is a frame.</param>
    public bool Matches(byte[] packet, int captured, int original, bool isEthernet)
    {
        if (_ip is null && _ethernet is null) return true;
        if ((isEthernet ? _ethernet : _ip) is not { } program) return false;
        captured = Math.Min(captured, _snapBytes);
        Marshal.WriteInt32(_memory, CapturedOffset, captured);
        Marshal.WriteInt32(_memory, OriginalOffset, original);
        Marshal.Copy(packet, 0, _memory + HeaderBytes, captured);
        return program.Matches(_memory, _memory + HeaderBytes);
    }

    public void Dispose()
    {
        _ip?.Dispose();
        _ethernet?.Dispose();
        Marshal.FreeHGlobal(_memory);
    }
}
