using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Gateway.Netns.Tests.Harness;
using Gateway.Protocol;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>
/// A host beside the gateway sends handshake initiations under addresses of their subnet that nobody has. Their mac1 is right, as the gateway's public key
/// is no secret, so under load each is answered by a cookie, to a neighbour that will never be found.
/// </summary>
public sealed class FloodTests
{
    private const int Initiations = 60_000, PerSecond = 50_000;
    private const int FirstForged = 20, ForgedAddresses = 230;

    [Fact]
    public async Task Initiations_FromForgedNeighbours_CostAPeerNoPackets()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        var publicKey = (await lab.Api.Get($"tunnels/{tunnel.ServerDevice}"))["publicKey"]!.GetValue<string>();
        Assert.True(PublicKey.TryParse(publicKey, out var key));
        var initiation = Stranger.Initiation(key);

        var pinging = lab.U.Ping(ThreeHosts.VAddress, count: 30, interval: "0.1", wait: "10");
        var flood = Task.Run(() => lab.U.In(() => Send(initiation, tunnel.Port)));
        var ping = await pinging;

        Assert.Equal(Initiations, await flood);
        Assert.True(ping.Received >= ping.Sent - 1, ping.Text);
        await lab.U.Reaches(ThreeHosts.VAddress);
    }

    private static int Send(byte[] initiation, int port)
    {
        // IPPROTO_RAW: the header is ours, but for its checksum (raw(7)).
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw);
        var to = new IPEndPoint(IPAddress.Parse(ThreeHosts.GatewayOutside), 0);
        var packet = new byte[28 + initiation.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = (byte)ProtocolType.Udp;
        IPAddress.Parse(ThreeHosts.UAddress).GetAddressBytes().CopyTo(packet, 12);
        to.Address.GetAddressBytes().CopyTo(packet, 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), (ushort)port);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), (ushort)(8 + initiation.Length));
        initiation.CopyTo(packet, 28);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Initiations; i++)
        {
            while (clock.Elapsed.TotalSeconds * PerSecond < i) Thread.SpinWait(20);
            packet[15] = (byte)(FirstForged + (i % ForgedAddresses));
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), (ushort)(1024 + (i % 60_000)));
            socket.SendTo(packet, to);
        }

        return Initiations;
    }

    /// <summary>Knows the gateway's public key and nothing else.</summary>
    private sealed class Stranger : IPeerOutput
    {
        private byte[] _initiation = [];

        public static byte[] Initiation(PublicKey to)
        {
            using var random = RandomNumberGenerator.Create();
            var stranger = new Stranger();
            using var device = new WireGuardDevice(PrivateKey.Generate(random), new LibcryptoPrimitives(), random, stranger);
            device.AddPeer(to, null, TimeSpan.Zero)!.StartHandshake(new Moment(new Instant(TimeSpan.TicksPerHour), DateTimeOffset.UnixEpoch.AddYears(50)));
            return stranger._initiation;
        }

        void IPeerOutput.SendHandshakeMessage(WireGuardPeer peer, ReadOnlySpan<byte> message) => _initiation = message.ToArray();

        void IPeerOutput.SendKeepalive(WireGuardPeer peer)
        {
        }

        void IPeerOutput.SessionReady(WireGuardPeer peer)
        {
        }

        void IPeerOutput.HandshakeGivenUp(WireGuardPeer peer)
        {
        }

        void IPeerOutput.Retire(KeyPair keyPair)
        {
        }
    }
}
