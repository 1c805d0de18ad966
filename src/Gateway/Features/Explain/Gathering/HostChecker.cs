using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Gateway.Engine.Packets;

namespace Gateway.Features.Explain.Gathering;

/// <summary>Asks a host from the gateway's own address: a ping, and the opening of a TCP connection, which is closed at once.</summary>
internal interface IHostChecker
{
    Task<HostCheck> AskAsync(PacketQuestion packet, CancellationToken cancellationToken);
}

/// <summary>Asks with sockets of this host. A host on the link answers within a few milliseconds; an explanation is not kept waiting for others.</summary>
internal sealed class HostChecker : IHostChecker
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(120);

    public async Task<HostCheck> AskAsync(PacketQuestion packet, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        var echo = EchoAsync(packet.Destination, limit.Token);
        var port = packet.Protocol == 6 ? ConnectAsync(packet.Destination, packet.Port, limit.Token) : Task.FromResult<(bool?, string?)>((null, null));
        var (echoAnswered, echoProblem) = await echo;
        var (portAnswered, portProblem) = await port;
        return new HostCheck(echoAnswered, portAnswered, portProblem ?? echoProblem);
    }

    private static async Task<(bool? Answered, string? Problem)> ConnectAsync(IPAddress address, ushort port, CancellationToken cancellationToken)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), cancellationToken);
            return (true, null);
        }
        catch (OperationCanceledException)
        {
            return (false, null);
        }
        catch (SocketException e)
        {
            // To refuse is to answer.
            return e.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => (true, null),
                SocketError.HostUnreachable or SocketError.TimedOut => (false, null),
                _ => (null, e.Message),
            };
        }
    }

    private static async Task<(bool? Answered, string? Problem)> EchoAsync(IPAddress address, CancellationToken cancellationToken)
    {
        var isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        using var socket = Open(address.AddressFamily, isV6 ? ProtocolType.IcmpV6 : ProtocolType.Icmp);
        if (socket is null) return (null, "a ping needs CAP_NET_RAW, or net.ipv4.ping_group_range with the gateway's group in it");
        var request = new byte[16];
        request[0] = isV6 ? (byte)128 : (byte)8;
        Random.Shared.NextBytes(request.AsSpan(4, 12));
        // ICMPv6's checksum is the kernel's work; on a datagram socket IPv4's is too, and harmless to fill in.
        if (!isV6) BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(2), Checksum.Complete(Checksum.Add(request, 0)));
        var answer = new byte[256];
        try
        {
            await socket.SendToAsync(request, SocketFlags.None, new IPEndPoint(address, 0), cancellationToken);
            while (true)
            {
                var received = await socket.ReceiveFromAsync(answer, SocketFlags.None, new IPEndPoint(isV6 ? IPAddress.IPv6Any : IPAddress.Any, 0), cancellationToken);
                // The random part tells our answer from others: the identifier is the kernel's on a datagram socket, and a raw one has the IPv4 header before it.
                if (((IPEndPoint)received.RemoteEndPoint).Address.Equals(address) && answer.AsSpan(0, received.ReceivedBytes).EndsWith(request.AsSpan(8)) && IsReply(answer, isV6)) return (true, null);
            }
        }
        catch (OperationCanceledException)
        {
            return (false, null);
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.HostUnreachable or SocketError.NetworkUnreachable ? (false, null) : (null, e.Message);
        }
    }

    private static bool IsReply(ReadOnlySpan<byte> answer, bool isV6) => isV6 ? answer[0] == 129 : answer[0] == 0 || (answer[0] >> 4 == 4 && answer[(answer[0] & 15) * 4] == 0);

    private static Socket? Open(AddressFamily family, ProtocolType protocol)
    {
        foreach (var type in (SocketType[])[SocketType.Raw, SocketType.Dgram])
        {
            try
            {
                return new Socket(family, type, protocol);
            }
            catch (SocketException)
            {
                // Not allowed: the next kind.
            }
        }

        return null;
    }
}
