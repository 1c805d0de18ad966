using System.Globalization;
using Gateway.Netns.Tests.Harness;

namespace Gateway.Netns.Tests.Lab;

/// <summary>What runs on U.</summary>
public enum LabClient
{
    /// <summary>The lab's Python client, against a plain tunnel.</summary>
    Python,

    /// <summary>gateway connect --plain.</summary>
    ConnectPlain,

    /// <summary>gateway connect FILE.conf, the file fetched from the API.</summary>
    ConnectConf,

    /// <summary>Debian's wireguard-go and wg.</summary>
    WireGuardGo,
}

/// <summary>A tunnel with the one peer host-u, made over REST as a person would, and the client on U that belongs to it.</summary>
internal sealed class LabTunnel : IAsyncDisposable
{
    public const string Intranet = "192.168.60.0/24", Internal = "192.168.53.0/24";

    private readonly ThreeHosts _lab;
    private readonly LabClient _client;
    private readonly string _address;
    private readonly TemporaryDirectory _directory = new();
    private Child? _process;

    private LabTunnel(ThreeHosts lab, LabClient client, string address) => (_lab, _client, _address) = (lab, client, address);

    /// <summary>The tunnel's device on the gateway.</summary>
    public string ServerDevice => IsPlain ? "tun0" : "wg0";

    /// <summary>The client's device on U.</summary>
    public string ClientDevice => IsPlain ? "zhang0" : "wgu";

    public int Port => IsPlain ? 9090 : 51820;

    /// <summary>The gateway's own address in the tunnel: .98 as the lab's server has it, .1 on WireGuard as the documentation has it.</summary>
    public string ServerAddress => IsPlain ? "192.168.53.98" : "192.168.53.1";

    public string PeerId { get; private set; } = "";

    public Child Client => _process ?? throw new InvalidOperationException("the client is not running");

    // The name of the file is the name of the device.
    private string ConfigFile => Path.Combine(_directory.Path, "wgu.conf");

    private bool IsPlain => _client is LabClient.Python or LabClient.ConnectPlain;

    /// <summary>Makes tunnel, peer and route over REST. The client is not started yet.</summary>
    /// <param name="address">Of U's device.</param>
    /// <param name="clientRoute">A prefix that U sends into the tunnel and may reach through it; null = none.</param>
    public static async Task<LabTunnel> Make(ThreeHosts lab, LabClient client, string address = "192.168.53.99", string? clientRoute = Intranet)
    {
        var tunnel = new LabTunnel(lab, client, address);
        await lab.Api.Post("tunnels", new
        {
            name = tunnel.ServerDevice,
            transport = tunnel.IsPlain ? "plain" : "wireguard",
            layer = "ip",
            listenPort = tunnel.Port,
            addresses = new[] { $"{tunnel.ServerAddress}/24" },
            endpoint = $"{ThreeHosts.GatewayOutside}:{tunnel.Port}",
        });
        var peer = await lab.Api.Post($"tunnels/{tunnel.ServerDevice}/peers", new { name = "host-u", addresses = new[] { $"{address}/32" } });
        tunnel.PeerId = peer["id"]!.GetValue<string>();
        if (clientRoute is not null) await lab.Api.Post($"peers/{tunnel.PeerId}/routes", new { prefix = clientRoute, installOn = "client" });
        await Eventually.True(() => lab.GatewayHost.HasLink(tunnel.ServerDevice), $"{tunnel.ServerDevice} on the gateway");
        return tunnel;
    }

    /// <summary>Tunnel, peer, route and a running client, through which U reaches V.</summary>
    public static async Task<LabTunnel> Up(ThreeHosts lab, LabClient client)
    {
        var tunnel = await Make(lab, client);
        try
        {
            await tunnel.StartClient();
            await lab.U.Reaches(ThreeHosts.VAddress);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the client on U and returns when its device is up.</summary>
    /// <param name="route">What U sends into its device; null = none. A configuration from the API brings its own.</param>
    public async Task StartClient(string? route = Intranet)
    {
        switch (_client)
        {
            case LabClient.Python:
                _process = await PythonProgram.Client(_lab.U, ["--address", $"{_address}/24", .. route is null ? Array.Empty<string>() : ["--route", route]]);
                break;
            case LabClient.ConnectPlain:
                _process = _lab.U.Start([Binaries.Cli, "connect", "--plain", $"{ThreeHosts.GatewayOutside}:9090", "--name", "zhang%d", "--address", $"{_address}/24", .. route is null ? Array.Empty<string>() : ["--route", route]]);
                break;
            case LabClient.ConnectConf:
                await File.WriteAllTextAsync(ConfigFile, await _lab.Api.Config(PeerId));
                _process = _lab.U.Start(Binaries.Cli, "connect", ConfigFile);
                break;
            case LabClient.WireGuardGo:
                await StartWireGuardGo();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(route), _client, "unknown client");
        }
        await Eventually.True(
            async () => _process!.HasExited || await _lab.U.HasLink(ClientDevice), $"{ClientDevice} on U; the client said: {_process!.Output}");
        if (_process!.HasExited) throw new InvalidOperationException($"the client ended: {_process.Output}");
    }

    /// <summary>Stops the client in an orderly way; its device goes with it.</summary>
    public async Task StopClient()
    {
        await Client.Stop();
        await Eventually.True(async () => !await _lab.U.HasLink(ClientDevice), $"{ClientDevice} being gone from U");
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>As a person does it without wg-quick: wireguard-go, wg setconf, ip. Address, MTU and routes are read from the configuration.</summary>
    private async Task StartWireGuardGo()
    {
        var config = await _lab.Api.Config(PeerId);
        var settings = config.Split('\n').Select(line => line.Split('=', 2, StringSplitOptions.TrimEntries)).Where(pair => pair.Length == 2).ToLookup(pair => pair[0], pair => pair[1]);
        string[] quickOnly = ["Address", "MTU", "DNS", "Table", "PostUp", "PostDown"];
        await File.WriteAllLinesAsync(ConfigFile, config.Split('\n').Where(line => !quickOnly.Contains(line.Split('=')[0].Trim())));

        _process = _lab.U.Start("wireguard-go", "--foreground", ClientDevice);
        await Eventually.True(async () => (await _lab.U.TryIp($"link show {ClientDevice}")).ExitCode == 0, "wireguard-go's device");
        await Eventually.True(async () => (await _lab.U.Try("wg", "setconf", ClientDevice, ConfigFile)).ExitCode == 0, "wg setconf");
        foreach (var address in settings["Address"].SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries))) await _lab.U.Ip($"addr add {address} dev {ClientDevice}");
        if (settings["MTU"].FirstOrDefault() is { } mtu) await _lab.U.Ip($"link set {ClientDevice} mtu {int.Parse(mtu, CultureInfo.InvariantCulture)}");
        await _lab.U.Ip($"link set {ClientDevice} up");
        foreach (var prefix in settings["AllowedIPs"].SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries))) await _lab.U.Ip($"route replace {prefix} dev {ClientDevice}");
    }
}
