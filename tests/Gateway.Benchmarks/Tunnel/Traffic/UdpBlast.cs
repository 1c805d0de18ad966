using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Gateway.Benchmarks.Tunnel.Traffic;

/// <summary>
/// The two ends of a UDP overload, each a process of its own in a namespace: one datagram a system call, as fast as the socket takes them.
/// iperf3's sender waits between datagrams and reaches a fraction of what the tunnels carry.
/// </summary>
internal static class UdpBlast
{
    public const string SendVerb = "udp-send", ReceiveVerb = "udp-receive", Listening = "listening";

    // linux/socket.h: SO_RCVBUFFORCE is not held to net.core.rmem_max, so that datagrams are lost in the tunnel and not at the sink.
    private const int SolSocket = 1, SoReceiveBufferForce = 33, ReceiveBufferBytes = 16 << 20;

    /// <summary>Prints how many datagrams of this length it sent in this time, and the seconds it took.</summary>
    public static void Send(IPAddress from, IPEndPoint to, int length, TimeSpan time)
    {
        using var socket = new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(from, 0));
        socket.Connect(to);
        ReadOnlySpan<byte> payload = new byte[length];
        long sent = 0;
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < time)
        {
            for (var i = 0; i < 32; i++)
            {
                // A refusal (ENOBUFS, or an ICMP error of an earlier datagram) is a datagram that was not sent.
                socket.Send(payload, SocketFlags.None, out var error);
                if (error == SocketError.Success) sent++;
            }
        }
        Print(sent, clock.Elapsed.TotalSeconds);
    }

    /// <summary>Counts what arrives until its standard input ends; prints the count and the seconds from the first to the last.</summary>
    public static void Receive(IPEndPoint at)
    {
        using var socket = new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.SetRawSocketOption(SolSocket, SoReceiveBufferForce, BitConverter.GetBytes(ReceiveBufferBytes));
        socket.Bind(at);
        using var end = new CancellationTokenSource();
        var ended = new Thread(() =>
        {
            Console.In.ReadLine();
            end.Cancel();
            using var waker = new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            waker.SendTo([], at);
        })
        { IsBackground = true };
        ended.Start();
        Console.WriteLine(Listening);

        var buffer = new byte[2048];
        long received = 0, first = 0, last = 0;
        while (!end.IsCancellationRequested)
        {
            if (socket.Receive(buffer) == 0) continue;
            last = Stopwatch.GetTimestamp();
            if (received++ == 0) first = last;
        }
        Print(received, Stopwatch.GetElapsedTime(first, last).TotalSeconds);
    }

    /// <summary>Reads what <see cref="Print"/> printed.</summary>
    public static (long Datagrams, double Seconds) Read(string output)
    {
        var line = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Split(' ');
        return (long.Parse(line[0], CultureInfo.InvariantCulture), double.Parse(line[1], CultureInfo.InvariantCulture));
    }

    private static void Print(long datagrams, double seconds) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{datagrams} {seconds}"));
}
