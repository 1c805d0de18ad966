using Gateway.Netns.Tests.Harness;

namespace Gateway.Netns.Tests.Device;

/// <summary>
/// Two hosts on one wire, each with a WireGuard device wg0 that its own program runs:
///
///   left                                        right
///   wg0 192.168.241.1/24 fd41::1/64             wg0 192.168.241.2/24 fd41::2/64
///   eth0 10.77.0.1/24 fd77::1/64 ------------- eth0 10.77.0.2/24 fd77::2/64
/// </summary>
internal sealed class WireGuardPair : IAsyncDisposable
{
    public const string Ours = "gateway device", Theirs = "wireguard-go";

    private WireGuardPair(Host left, Host right, TemporaryDirectory files) => (Left, Right, Files) = (left, right, files);

    public Host Left { get; }

    public Host Right { get; }

    public TemporaryDirectory Files { get; }

    public string LeftKey { get; private set; } = "";

    public string RightKey { get; private set; } = "";

    /// <summary>The program's command line as it would be typed.</summary>
    public static string[] Program(string implementation) => implementation == Ours ? [Binaries.Cli, "device"] : [implementation];

    /// <summary>The hosts and the wire, nothing else.</summary>
    public static async Task<WireGuardPair> Wire()
    {
        var pair = new WireGuardPair(await Host.Create("left"), await Host.Create("right"), new TemporaryDirectory());
        await Host.Connect(pair.Left, "eth0", pair.Right, "eth0");
        foreach (var (host, number) in new[] { (pair.Left, 1), (pair.Right, 2) })
        {
            await host.SetSysctl("net.ipv6.conf.eth0.accept_dad", "0");
            await host.Ip($"addr add 10.77.0.{number}/24 dev eth0");
            await host.Ip($"addr add fd77::{number}/64 dev eth0 nodad");
            await host.Ip("link set eth0 up");
        }
        return pair;
    }

    /// <summary>Both devices up and knowing each other, with a pre-shared key; nobody has an endpoint yet.</summary>
    public static async Task<WireGuardPair> Tunnel(string left, string right)
    {
        var pair = await Wire();
        var psk = await pair.NewKey("psk");
        await pair.Left.Run([.. Program(left), "wg0"]);
        await pair.Right.Run([.. Program(right), "wg0"]);
        pair.LeftKey = await pair.SetKey(pair.Left, "left", 10000);
        pair.RightKey = await pair.SetKey(pair.Right, "right", 20000);
        await pair.Left.Run("wg", "set", "wg0", "peer", pair.RightKey, "preshared-key", psk, "allowed-ips", "192.168.241.2/32,fd41::2/128");
        await pair.Right.Run("wg", "set", "wg0", "peer", pair.LeftKey, "preshared-key", psk, "allowed-ips", "192.168.241.1/32,fd41::1/128");
        foreach (var (host, number) in new[] { (pair.Left, 1), (pair.Right, 2) })
        {
            await host.Ip($"addr add 192.168.241.{number}/24 dev wg0");
            await host.Ip($"addr add fd41::{number}/64 dev wg0 nodad");
            await host.Ip("link set wg0 up");
        }
        return pair;
    }

    /// <summary>Writes a new private key to a file of that name; the file's path.</summary>
    public async Task<string> NewKey(string name)
    {
        var path = Path.Combine(Files.Path, name);
        await File.WriteAllTextAsync(path, await Command.Run("wg", "genkey"));
        return path;
    }

    public static async Task<string> PublicKey(string privateKeyFile) => (await Command.Run("/bin/sh", "-c", $"wg pubkey < {privateKeyFile}")).Trim();

    /// <summary>The endpoint that a host's device has for a peer.</summary>
    public static async Task<string> Endpoint(Host host, string peer) =>
        (await host.Run("wg", "show", "wg0", "endpoints")).Split('\n').Single(l => l.StartsWith(peer, StringComparison.Ordinal)).Split('\t')[1];

    public async ValueTask DisposeAsync()
    {
        await Left.DisposeAsync();
        await Right.DisposeAsync();
        Files.Dispose();
    }

    private async Task<string> SetKey(Host host, string name, int port)
    {
        var key = await NewKey(name);
        await host.Run("wg", "set", "wg0", "private-key", key, "listen-port", $"{port}");
        return await PublicKey(key);
    }
}
