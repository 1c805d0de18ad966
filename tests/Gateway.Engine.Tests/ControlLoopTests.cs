using System.Net;
using Gateway.Engine.Control;
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
}
