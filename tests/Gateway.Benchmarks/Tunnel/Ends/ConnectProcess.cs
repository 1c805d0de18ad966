using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>`gateway connect FILE.conf` on one host. The device is called as the file.</summary>
internal sealed class ConnectProcess(Host host, string device, string config) : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private Child? _process;

    public int Id => _process?.Id ?? throw new InvalidOperationException($"{device} on {host.Name} is not running");

    public async Task Start()
    {
        var file = Path.Combine(_directory.Path, device + ".conf");
        await File.WriteAllTextAsync(file, config);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var process = _process = host.Start(Products.Cli, "connect", file);
        await Eventually.True(async () => process.HasExited || await host.HasLink(device), $"{device} on {host.Name}");
        if (process.HasExited) throw new InvalidOperationException($"`connect` ended on {host.Name}: {process.Output.Trim()}");
    }

    /// <summary>Starts it again with another endpoint of its peer.</summary>
    public async Task DialTo(string endpoint)
    {
        config = string.Join('\n', config.Split('\n').Select(line => line.StartsWith("Endpoint", StringComparison.Ordinal) ? $"Endpoint = {endpoint}" : line));
        await _process!.Stop();
        await _process.DisposeAsync();
        await Start();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>A wg-quick file of U's end.</summary>
    public static string ClientConfig(Slot slot, KeyPair own, KeyPair gateway) => $"""
        [Interface]
        PrivateKey = {own.Private}
        Address = {slot.ClientAddress(Family.V4)}/{Slot.InternalPrefixLength4}, {slot.ClientAddress(Family.V6)}/{Slot.InternalPrefixLength6}
        MTU = {Slot.Mtu}

        [Peer]
        PublicKey = {gateway.Public}
        Endpoint = {Bed.Endpoint(slot, Family.V4)}
        AllowedIPs = {slot.VAddress(Family.V4)}/32, {slot.VAddress(Family.V6)}/128

        """;

    /// <summary>A wg-quick file of the gateway's end.</summary>
    public static string GatewayConfig(Slot slot, KeyPair own, KeyPair client) => $"""
        [Interface]
        PrivateKey = {own.Private}
        ListenPort = {slot.Port}
        Address = {slot.GatewayAddress(Family.V4)}/{Slot.InternalPrefixLength4}, {slot.GatewayAddress(Family.V6)}/{Slot.InternalPrefixLength6}
        MTU = {Slot.Mtu}

        [Peer]
        PublicKey = {client.Public}
        AllowedIPs = {slot.ClientAddress(Family.V4)}/32, {slot.ClientAddress(Family.V6)}/128

        """;
}
