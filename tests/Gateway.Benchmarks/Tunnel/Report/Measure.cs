namespace Gateway.Benchmarks.Tunnel.Report;

/// <summary>A row of the table.</summary>
/// <param name="title">With its unit.</param>
/// <param name="moreIsBetter">Else less is.</param>
/// <param name="digits">After the point.</param>
/// <param name="hasRatio">Loss has none: how much is lost depends on how much more is sent than passes.</param>
internal sealed class Measure(string title, bool moreIsBetter, int digits, bool hasRatio = true)
{
    public string Title => title;

    public bool MoreIsBetter => moreIsBetter;

    public int Digits => digits;

    public bool HasRatio => hasRatio;

    public static readonly Measure
        Tcp1 = new("TCP, 1 stream, Gbit/s", true, 2),
        Tcp1Cpu = new("  gateway CPU-s per GB", false, 2),
        Tcp8 = new("TCP, 8 streams, Gbit/s", true, 2),
        Tcp8Cpu = new("  gateway CPU-s per GB", false, 2),
        Udp = new("UDP, 1372 bytes, overload, Gbit/s delivered", true, 2),
        UdpLoss = new("  lost, %", false, 0, hasRatio: false),
        UdpCpu = new("  gateway CPU-s per GB delivered", false, 2),
        Packets = new("UDP, 64 bytes, overload, kpps delivered", true, 0),
        PacketsLoss = new("  lost, %", false, 0, hasRatio: false),
        Ping = new("ping -f, no load, µs", false, 0),
        PingLoaded = new("ping under one TCP stream, µs", false, 0);
}
