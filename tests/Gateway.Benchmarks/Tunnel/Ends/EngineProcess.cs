using System.Globalization;
using System.Net;
using Gateway.Engine;
using Gateway.Engine.Taps;
using Gateway.Linux;
using Gateway.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>
/// The engine alone, as a process of the benchmark's own on one host: one tunnel with one peer. Lines on its standard input start and stop a
/// watcher of its packets, which no other program offers.
/// </summary>
internal static class EngineProcess
{
    public const string Verb = "engine", Up = "up", Watch = "watch", Watching = "watching", Unwatch = "unwatch", Unwatched = "unwatched";

    // About what a ring of 4096 packets a direction takes to fill at a few hundred thousand packets a second.
    private static readonly TimeSpan ReadInterval = TimeSpan.FromMilliseconds(5);

    /// <summary>The arguments that <see cref="Run"/> takes.</summary>
    public static string[] Arguments(string device, string privateKeyFile, int port, string[] addresses, string[] routes, string peerKey, string[] allowedIps, string? endpoint, int recordedPeers) =>
        [Verb, device, privateKeyFile, port.ToString(CultureInfo.InvariantCulture), string.Join(',', addresses), string.Join(',', routes), peerKey, string.Join(',', allowedIps), endpoint ?? "", recordedPeers.ToString(CultureInfo.InvariantCulture)];

    /// <summary>Runs until its standard input ends.</summary>
    public static async Task Run(string[] arguments)
    {
        if (arguments is not [var device, var keyFile, var port, var addresses, var routes, var peerKey, var allowedIps, var endpoint, var recordedPeers]
            || !PrivateKey.TryParse(await File.ReadAllTextAsync(keyFile), out var privateKey) || !PublicKey.TryParse(peerKey, out var publicKey))
            throw new ArgumentException("not what Arguments made", nameof(arguments));
        var tunnel = new TunnelConfig
        {
            Id = Guid.NewGuid(),
            Name = device,
            ListenPort = ushort.Parse(port, CultureInfo.InvariantCulture),
            Mtu = Slot.Mtu,
            PrivateKey = privateKey,
            Addresses = [.. Parts(addresses).Select(part => part.Split('/')).Select(pair => new InterfaceAddress(IPAddress.Parse(pair[0]), int.Parse(pair[1], CultureInfo.InvariantCulture)))],
            KernelRoutes = [.. Parts(routes).Select(IPNetwork.Parse)],
            Peers =
            [
                new PeerConfig
                {
                    Id = Guid.NewGuid(),
                    PublicKey = publicKey,
                    Endpoint = endpoint.Length > 0 ? IPEndPoint.Parse(endpoint) : null,
                    AllowedIps = [.. Parts(allowedIps).Select(IPNetwork.Parse)],
                },
            ],
        };
        using var plane = new DataPlane(new DataPlaneOptions { RecordedPeers = int.Parse(recordedPeers, CultureInfo.InvariantCulture) }, new LinuxTunnelPorts(), new LibcryptoPrimitives(), TimeProvider.System, NullLogger<DataPlane>.Instance);
        await plane.ApplyAsync([tunnel]);
        var status = plane.GetTunnels()[0];
        Console.WriteLine(status.State == TunnelState.Up ? Up : $"not up: {status.Cause}");
        await Obey(plane, tunnel.Id);
    }

    private static async Task Obey(DataPlane plane, Guid tunnelId)
    {
        CancellationTokenSource? stop = null;
        var reading = Task.FromResult((Read: 0L, Lost: 0L));
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == Watch)
            {
                var reader = plane.WatchPackets(tunnelId) ?? throw new InvalidOperationException("the tunnel has gone");
                stop = new CancellationTokenSource();
                reading = Drain(reader, stop.Token);
                Console.WriteLine(Watching);
            }
            else if (line == Unwatch && stop is not null)
            {
                await stop.CancelAsync();
                var (read, lost) = await reading;
                stop.Dispose();
                Console.WriteLine($"{Unwatched} {read} {lost}");
            }
        }
    }

    /// <summary>Reads all there is, again and again, as a watcher would.</summary>
    private static async Task<(long Read, long Lost)> Drain(PacketTapReader reader, CancellationToken stop)
    {
        var buffer = new byte[reader.SnapBytes];
        var read = 0L;
        using (reader)
        {
            using var timer = new PeriodicTimer(ReadInterval);
            try
            {
                while (await timer.WaitForNextTickAsync(stop))
                {
                    while (reader.TryRead(buffer, out _)) read++;
                }
            }
            catch (OperationCanceledException)
            {
                // Told to stop.
            }
            return (read, reader.Lost);
        }
    }

    private static string[] Parts(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries);
}
