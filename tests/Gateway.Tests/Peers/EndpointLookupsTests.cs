using System.Collections.Immutable;
using System.Net;
using Gateway.Engine;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>A peer with a configured endpoint that does not answer is tried at all addresses of its name, and again where it was configured.</summary>
public sealed class EndpointLookupsTests
{
    [Fact]
    public async Task SilentPeer_OfAName_IsTriedAtEachAddressAndThenAtTheFirstAgain()
    {
        using var bed = await Bed.StartAsync("branch.example.org:51820", "10.9.9.1");
        bed.Names.Answers = ["fd00::9", "10.9.9.1", "10.9.9.2"];
        await bed.SilentAsync();
        Assert.Equal("10.9.9.2:51820", await bed.EndpointAsync("10.9.9.2"));
        await bed.SilentAsync();
        Assert.Equal("[fd00::9]:51820", await bed.EndpointAsync("fd00::9"));
        // The name has another address by now.
        bed.Names.Answers = ["10.9.9.3"];
        await bed.SilentAsync();
        Assert.Equal("10.9.9.3:51820", await bed.EndpointAsync("10.9.9.3"));
    }

    [Fact]
    public async Task SilentPeer_ThatHadRoamed_IsTriedWhereItIsConfigured()
    {
        using var bed = await Bed.StartAsync("10.9.9.1:51820", "198.51.100.7");
        await bed.SilentAsync();
        Assert.Equal("10.9.9.1:51820", await bed.EndpointAsync("10.9.9.1"));
    }

    private sealed class Names : INameResolver
    {
        public string[] Answers { get; set; } = [];

        public Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellationToken) => Task.FromResult(Answers.Select(IPAddress.Parse).ToArray());
    }

    private sealed class Bed : IDisposable
    {
        private static readonly Guid s_tunnel = Guid.NewGuid(), s_peer = Guid.NewGuid();
        private readonly FakeTimeProvider _time = new();
        private readonly MemoryPorts _ports = new(new MemoryNetwork(), IPAddress.Loopback);
        private readonly DataPlane _plane;
        private readonly EndpointLookups _lookups;
        private readonly PeerSlot _slot;

        private Bed(string configured, string now)
        {
            _plane = new DataPlane(new DataPlaneOptions(), _ports, new LibcryptoPrimitives(), _time, NullLogger<DataPlane>.Instance);
            _lookups = new EndpointLookups(Names, _plane, _time, NullLogger<EndpointLookups>.Instance);
            _slot = new PeerSlot
            {
                Id = s_peer,
                Config = new PeerConfig { Id = s_peer, Name = "branch", Endpoint = new IPEndPoint(IPAddress.Parse(now), 51820) },
                ConfiguredEndpoint = configured,
                KernelRoutes = [],
                ExpiresAt = null,
                PreviousKeyUntil = null,
            };
        }

        public Names Names { get; } = new();

        public static async Task<Bed> StartAsync(string configured, string now)
        {
            var bed = new Bed(configured, now);
            await bed._plane.ApplyAsync(ImmutableArray.Create(new TunnelConfig { Id = s_tunnel, Name = "tun0", Transport = TunnelTransport.Plain, Peers = [bed._slot.Config!] }));
            return bed;
        }

        public Task SilentAsync() => _lookups.TryElsewhere(s_tunnel, _slot, CancellationToken.None);

        public async Task<string?> EndpointAsync(string expected)
        {
            await Eventually.True(() => Task.FromResult(_plane.GetPeer(s_tunnel, s_peer)?.Endpoint?.Address.ToString() == expected), $"the endpoint {expected}");
            return _plane.GetPeer(s_tunnel, s_peer)?.Endpoint?.ToString();
        }

        public void Dispose()
        {
            _plane.Dispose();
            _ports.Dispose();
        }
    }
}
