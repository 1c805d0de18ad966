using System.Net;
using System.Security.Cryptography;
using Gateway.Protocol;
using Gateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Engine.Tests;

/// <summary>
/// Two engines on one network in memory:
/// <code>
/// U  10.0.2.7, tunnel 192.168.53.99   ── memory ──   gateway  10.0.2.8:51820, tunnel 192.168.53.1
/// </code>
/// U sends everything into the tunnel; the gateway knows U by 192.168.53.99/32 and fd53::99/128, which may go to 192.168.60.0/24, the tunnel's own prefix and fd60::/64.
/// </summary>
internal sealed class Pair : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    public static readonly ICryptoPrimitives Crypto = new LibcryptoPrimitives();

    private static readonly RandomNumberGenerator s_random = RandomNumberGenerator.Create();

    private readonly PrivateKey _uKey = PrivateKey.Generate(s_random);
    private readonly PrivateKey _gatewayKey = PrivateKey.Generate(s_random);

    private Pair(bool vnetHeader)
    {
        UPorts = new MemoryPorts(Network, IPAddress.Parse("10.0.2.7"), vnetHeader);
        GatewayPorts = new MemoryPorts(Network, IPAddress.Parse("10.0.2.8"), vnetHeader);
        U = new DataPlane(new DataPlaneOptions(), UPorts, Crypto, Time, NullLogger<DataPlane>.Instance);
        Gateway = new DataPlane(new DataPlaneOptions { RecordedPeers = 16 }, GatewayPorts, Crypto, Time, NullLogger<DataPlane>.Instance);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public MemoryNetwork Network { get; } = new();

    public MemoryPorts UPorts { get; }

    public MemoryPorts GatewayPorts { get; }

    public DataPlane U { get; }

    public DataPlane Gateway { get; }

    public MemoryDevice UDevice => UPorts.Device!;

    public MemoryDevice GatewayDevice => GatewayPorts.Device!;

    public TunnelConfig UConfig { get; set; } = null!;

    public TunnelConfig GatewayConfig { get; set; } = null!;

    public static async Task<Pair> StartAsync(TunnelTransport transport = TunnelTransport.WireGuard, TunnelLayer layer = TunnelLayer.Ip, bool vnetHeader = true)
    {
        var pair = new Pair(vnetHeader);
        var secure = transport == TunnelTransport.WireGuard;
        pair.UConfig = new TunnelConfig
        {
            Id = Guid.NewGuid(),
            Name = "u0",
            Transport = transport,
            Layer = layer,
            PrivateKey = secure ? pair._uKey : null,
            Peers =
            [
                new PeerConfig
                {
                    Id = Guid.NewGuid(),
                    Name = "gateway",
                    PublicKey = secure ? pair._gatewayKey.GetPublicKey(Crypto) : null,
                    Endpoint = IPEndPoint.Parse("10.0.2.8:51820"),
                    AllowedIps = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")],
                },
            ],
        };
        pair.GatewayConfig = new TunnelConfig
        {
            Id = Guid.NewGuid(),
            Name = "wg0",
            Transport = transport,
            Layer = layer,
            ListenPort = 51820,
            PrivateKey = secure ? pair._gatewayKey : null,
            Peers =
            [
                new PeerConfig
                {
                    Id = Guid.NewGuid(),
                    Name = "host-u",
                    PublicKey = secure ? pair._uKey.GetPublicKey(Crypto) : null,
                    AllowedIps = [IPNetwork.Parse("192.168.53.99/32"), IPNetwork.Parse("fd53::99/128")],
                    AllowedDestinations = [IPNetwork.Parse("192.168.53.0/24"), IPNetwork.Parse("192.168.60.0/24"), IPNetwork.Parse("fd60::/64")],
                },
            ],
        };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig]);
        await pair.U.ApplyAsync([pair.UConfig]);
        return pair;
    }

    public static PublicKey NewPublicKey() => PrivateKey.Generate(s_random).GetPublicKey(Crypto);

    /// <summary>The next packet on a device, without its virtio header.</summary>
    public static async Task<byte[]> ReceiveAsync(MemoryDevice device)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var frame = await device.Written.ReadAsync(deadline.Token);
        return device.HasVnetHeader ? frame[10..] : frame;
    }

    /// <summary>Waits until a condition on the status holds; it is looked at again after every event and every few milliseconds of real time.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!condition())
        {
            try
            {
                await tick.WaitForNextTickAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"Not within {Deadline.TotalSeconds} s: {what}");
            }
        }
    }

    public long GatewayDrops(DropReason reason) => Gateway.GetTunnels()[0].Drops[(int)reason];

    public PeerStatus GatewayPeer => Gateway.GetPeers(GatewayConfig.Id)[0];

    public ValueTask DisposeAsync()
    {
        U.Dispose();
        Gateway.Dispose();
        UPorts.Dispose();
        GatewayPorts.Dispose();
        return ValueTask.CompletedTask;
    }
}
