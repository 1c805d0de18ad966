using System.Net;
using System.Security.Cryptography;
using Gateway.Engine.Control;
using Gateway.Protocol;
using Gateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Engine.Tests;

public class ControlLoopTests
{
    [Fact]
    public async Task Timers_WhileTheQueueNeverRunsEmpty_AreServed()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var network = new MemoryNetwork();
        using var ports = new MemoryPorts(network, IPAddress.Parse("10.0.2.7"));
        var initiations = 0;
        network.Passes = (_, _, _) =>
        {
            Interlocked.Increment(ref initiations);
            return false;
        };
        using var loop = new ControlLoop(new EngineClock(time), NullLogger.Instance);
        var peer = new PeerConfig
        {
            Id = Guid.NewGuid(),
            Name = "silent",
            PublicKey = Pair.NewPublicKey(),
            Endpoint = IPEndPoint.Parse("10.0.2.8:51820"),
            PersistentKeepalive = TimeSpan.FromSeconds(25),
            AllowedIps = [IPNetwork.Parse("0.0.0.0/0")],
        };
        var config = new TunnelConfig { Id = Guid.NewGuid(), Name = "u0", Peers = [peer] };
        var tunnel = new Tunnel(config, new DataPlaneOptions(), ports, Pair.Crypto, new EngineClock(time), loop, _ => { }, NullLogger.Instance);
        loop.Post(() => _ = tunnel.ApplyAsync(config));
        await Pair.UntilAsync(() => Volatile.Read(ref initiations) == 1, "the first initiation");

        var flooding = true;
        void Again()
        {
            if (Volatile.Read(ref flooding)) loop.Post(Again);
        }

        loop.Post(Again);
        try
        {
            // The first retry is due after 5 s and a third of a second of jitter at most.
            time.Advance(TimeSpan.FromSeconds(6));
            await Pair.UntilAsync(() => Volatile.Read(ref initiations) == 2, "the retry, although there is always something in the queue");
        }
        finally
        {
            Volatile.Write(ref flooding, false);
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(() =>
            {
                tunnel.Dispose();
                closed.SetResult();
            });
            await closed.Task;
        }
    }

    [Fact]
    public async Task Timer_FiringBeforeItsTime_IsSetAgain()
    {
        var time = new HastyTime();
        var network = new MemoryNetwork();
        using var ports = new MemoryPorts(network, IPAddress.Parse("10.0.2.7"));
        var initiations = 0;
        network.Passes = (_, _, _) =>
        {
            Interlocked.Increment(ref initiations);
            return false;
        };
        using var engine = new DataPlane(new DataPlaneOptions(), ports, Pair.Crypto, time, NullLogger<DataPlane>.Instance);
        var peer = new PeerConfig { Id = Guid.NewGuid(), Name = "silent", PublicKey = Pair.NewPublicKey(), Endpoint = IPEndPoint.Parse("10.0.2.8:51820"), PersistentKeepalive = TimeSpan.FromSeconds(25), AllowedIps = [IPNetwork.Parse("0.0.0.0/0")] };
        await engine.ApplyAsync([new TunnelConfig { Id = Guid.NewGuid(), Name = "u0", Peers = [peer] }]);
        await Pair.UntilAsync(() => Volatile.Read(ref initiations) == 1, "the first initiation");
        for (var retry = 2; retry < 5; retry++)
        {
            await Pair.UntilAsync(() =>
            {
                if (Volatile.Read(ref initiations) < retry) time.Advance(TimeSpan.FromMilliseconds(100));
                return Volatile.Read(ref initiations) >= retry;
            }, $"initiation {retry}");
        }
    }

    [Fact]
    public async Task FloodFromForgedAddresses_IsAnsweredWithoutWaitingForRoom()
    {
        const int Flood = 1000;
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var ports = new MemoryPorts(new MemoryNetwork(), IPAddress.Parse("10.0.2.8"));
        using var random = RandomNumberGenerator.Create();
        var key = PrivateKey.Generate(random);
        using var loop = new ControlLoop(new EngineClock(time), NullLogger.Instance);
        var config = new TunnelConfig { Id = Guid.NewGuid(), Name = "wg0", PrivateKey = key };
        var tunnel = new Tunnel(config, new DataPlaneOptions(), ports, Pair.Crypto, new EngineClock(time), loop, _ => { }, NullLogger.Instance);
        var up = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() => up.SetResult(tunnel.ApplyAsync(config)));
        await await up.Task;

        // All wait in the queue before the first is looked at: that is what "under load" means.
        using var queued = new ManualResetEventSlim();
        loop.Post(queued.Wait);
        var initiation = Stranger.Initiation(key.GetPublicKey(Pair.Crypto), random);
        for (var i = 0; i < Flood; i++)
            Assert.True(tunnel.PostHandshake(initiation, UdpEndpoint.From(new IPEndPoint(IPAddress.Parse($"10.0.2.{i % 250}"), 1000 + i))));
        queued.Set();

        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() =>
        {
            tunnel.Dispose();
            done.SetResult();
        });
        await done.Task;
        Assert.Equal(Flood, ports.Socket!.UnprovenSent);
        Assert.Equal(0, ports.Socket.Sent);
    }

    /// <summary>Its timers fire before their time, as .NET's do, only more so.</summary>
    private sealed class HastyTime() : FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
        private static readonly TimeSpan s_early = TimeSpan.FromMilliseconds(250);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new HastyTimer(base.CreateTimer(callback, state, Sooner(dueTime), period));

        private static TimeSpan Sooner(TimeSpan dueTime) => dueTime > s_early ? dueTime - s_early : dueTime;

        private sealed class HastyTimer(ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Sooner(dueTime), period);

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }

    /// <summary>Knows the tunnel's public key and nothing else: its mac1 is right, its own key is nobody's.</summary>
    private sealed class Stranger : IPeerOutput
    {
        private byte[] _initiation = [];

        public static byte[] Initiation(PublicKey to, RandomNumberGenerator random)
        {
            var stranger = new Stranger();
            using var device = new WireGuardDevice(PrivateKey.Generate(random), Pair.Crypto, random, stranger);
            device.AddPeer(to, null, TimeSpan.Zero)!.StartHandshake(new EngineClock(TimeProvider.System).Moment);
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
