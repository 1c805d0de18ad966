using System.Net;
using System.Text.Json.Nodes;
using Gateway.Contracts;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>
/// The lab of three hosts with both families and WireGuard through the middle, shared by all broken set-ups; each is taken back after its turn.
/// <code>
///   U                     internet                        gateway                         intranet                 V
///   eth0 10.0.2.7, fd00:2::7 ------ 10.0.2.8, fd00:2::8 eth0    eth1 192.168.60.1, fd60::1 ------ 192.168.60.101, fd60::101 eth0
///   wgu 192.168.53.99, fd53::99 === wg0 192.168.53.1, fd53::1                                        listens on TCP 23
/// </code>
/// </summary>
internal sealed class MatrixLab : IAsyncDisposable
{
    public const string V4 = ThreeHosts.VAddress, V6 = "fd60::101", ClientDevice = "wgu";

    private readonly TemporaryDirectory _directory = new();
    private readonly Stack<Func<Task>> _backs = new();
    private Child? _client;
    private Child? _service;

    private MatrixLab(ThreeHosts hosts) => Hosts = hosts;

    public ThreeHosts Hosts { get; }

    public Host U => Hosts.U;

    public Host Gw => Hosts.GatewayHost;

    public Host V => Hosts.V;

    public Api Api => Hosts.Api;

    public string Peer { get; private set; } = "";

    private string ConfigFile => Path.Combine(_directory.Path, $"{ClientDevice}.conf");

    public static async Task<MatrixLab> Create()
    {
        var lab = new MatrixLab(await ThreeHosts.Create());
        try
        {
            await lab.Reset();
            await lab.Hosts.Gateway.Start();
            await lab.Api.Post("tunnels", new { name = "wg0", listenPort = 51820, addresses = new[] { "192.168.53.1/24", "fd53::1/64" }, endpoint = $"{ThreeHosts.GatewayOutside}:51820" });
            lab.Peer = await lab.AddPeer("host-u", "192.168.53.99/32", "fd53::99/128");
            await lab.AddRoute(lab.Peer, LabTunnel.Intranet, "client");
            await lab.AddRoute(lab.Peer, "fd60::/64", "client");
            lab._backs.Clear();
            lab._service = lab.V.Start("/usr/bin/python3", "-c",
                "import socket\ns=socket.create_server(('::',23),family=socket.AF_INET6,dualstack_ipv6=True)\nprint('ready',flush=True)\nwhile True:\n  c,_=s.accept(); c.close()");
            await lab._service.Says("ready");
            await lab.StartClient();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>What takes a break back, run after the case: the last first.</summary>
    public void Back(Func<Task> action) => _backs.Push(action);

    public async Task<string> AddPeer(string name, params string[] addresses)
    {
        var peer = (await Api.Post("tunnels/wg0/peers", new { name, addresses }))["id"]!.GetValue<string>();
        Back(() => Api.Delete($"peers/{peer}"));
        return peer;
    }

    public async Task<string> AddRoute(string peer, string prefix, string installOn, bool? kernelRoute = null)
    {
        var route = await Api.Post($"peers/{peer}/routes", kernelRoute is null ? new { prefix, installOn } : new { prefix, installOn, kernelRoute });
        // A remedy may have put another one in its place: whatever has the prefix then goes.
        Back(async () =>
        {
            foreach (var one in (await Api.Get($"peers/{peer}/routes"))["items"]!.AsArray())
            {
                if (one!["prefix"]!.GetValue<string>() == prefix && one["installOn"]!.GetValue<string>() == installOn) await Api.Delete($"routes/{one["id"]}");
            }
        });
        return route["id"]!.GetValue<string>();
    }

    /// <summary>Takes a route from the peer for the time of a case.</summary>
    public async Task TakeRoute(string prefix)
    {
        foreach (var route in (await Api.Get($"peers/{Peer}/routes"))["items"]!.AsArray())
        {
            if (route!["prefix"]!.GetValue<string>() == prefix) await Api.Delete($"routes/{route["id"]}");
        }

        Back(async () => await Api.Ask(HttpMethod.Post, $"peers/{Peer}/routes", new { prefix, installOn = "client" }));
    }

    public Task<Explanation> Explain(Question question) => Explain(question, Peer);

    public async Task<Explanation> Explain(Question question, string peer)
    {
        var answer = await Api.Post("explain", new { peer, source = question.Source, destination = question.Destination, protocol = question.Protocol, port = question.Port });
        return System.Text.Json.JsonSerializer.Deserialize<Explanation>(answer, System.Text.Json.JsonSerializerOptions.Web)!;
    }

    /// <summary>Whether it passes, with real packets from U.</summary>
    public async Task<bool> Passes(Question question)
    {
        if (question.Protocol == "tcp")
            return (await U.Try("timeout", "0.7", "bash", "-c", $"exec 3<>/dev/tcp/{question.Destination}/{question.Port}")).ExitCode == 0;
        var ping = await U.Ping(question.Destination, count: 2, wait: "0.4", more: [.. question.Source is { } source ? ["-I", source] : Array.Empty<string>(), .. question.Size is { } size ? ["-s", $"{size}", "-M", "dont"] : Array.Empty<string>()]);
        // That small ones pass is what tells a size from a host.
        if (question.Size is not null) await U.Reaches(question.Destination);
        return ping.Received > 0;
    }

    public async Task<string?> Apply(IReadOnlyList<ApiCall> calls, string? id = null)
    {
        foreach (var call in calls)
        {
            var answer = await Api.Ask(new HttpMethod(call.Method), call.Path.Replace("{id}", id, StringComparison.Ordinal), call.Body is null ? null : JsonNode.Parse(call.Body));
            if ((int)answer.Status is < 200 or >= 300) throw new InvalidOperationException($"{call}: {answer.Status} {answer.Text}");
            if (answer.Status == HttpStatusCode.Created) id = answer.Json["id"]!.GetValue<string>();
        }

        return id;
    }

    /// <summary>Runs an instruction's commands on the machine that it names.</summary>
    public async Task Follow(Remedy remedy)
    {
        var host = remedy.Machine switch
        {
            RemedyMachines.Gateway => Gw,
            RemedyMachines.Client => U,
            V4 or V6 => V,
            _ => throw new InvalidOperationException($"the instruction names the machine '{remedy.Machine}'"),
        };
        foreach (var command in remedy.Commands) await host.Run("/bin/sh", "-c", command);
    }

    /// <summary>The client on U, with the configuration as the API gives it now.</summary>
    public async Task StartClient(Func<string, string>? edit = null, string? peer = null)
    {
        var config = await Api.Config(peer ?? Peer);
        await File.WriteAllTextAsync(ConfigFile, edit is null ? config : edit(config));
        await StopClient();
        _client = U.Start(Binaries.Cli, "connect", ConfigFile);
        await Eventually.True(async () => _client.HasExited || await U.HasLink(ClientDevice), $"{ClientDevice} on U");
        if (_client.HasExited) throw new InvalidOperationException($"the client ended: {_client.Output}");
    }

    public async Task StopClient()
    {
        if (_client is null) return;
        await _client.Stop();
        await _client.DisposeAsync();
        _client = null;
    }

    /// <summary>U's tunnel address is another from now on.</summary>
    public async Task MoveClient(string address)
    {
        var isV6 = address.Contains(':', StringComparison.Ordinal);
        await Sh(U, isV6
            ? $"ip addr del fd53::99/128 dev {ClientDevice}; ip addr add {address}/128 dev {ClientDevice} nodad; ip -6 route replace fd60::/64 dev {ClientDevice} src {address}"
            : $"ip addr add {address}/32 dev {ClientDevice}; ip route replace {LabTunnel.Intranet} dev {ClientDevice} src {address}");
        Back(() => StartClient());
    }

    public static Task<string> Sh(Host host, string script) => host.Run("/bin/sh", "-c", script);

    /// <summary>Takes the case back, and the hosts to where they began.</summary>
    public async Task Restore()
    {
        while (_backs.TryPop(out var back)) await back();
        await Reset();
    }

    public async ValueTask DisposeAsync()
    {
        await StopClient();
        if (_service is not null) await _service.DisposeAsync();
        await Hosts.DisposeAsync();
        _directory.Dispose();
    }

    private async Task Reset()
    {
        await Sh(Gw, """
            nft flush ruleset
            ip link set eth0 up; ip link set eth1 up
            ip -6 addr replace fd00:2::8/64 dev eth0 nodad; ip -6 addr replace fd60::1/64 dev eth1 nodad
            sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
            if [ -e /proc/sys/net/ipv4/conf/wg0 ]; then
              sysctl -qw net.ipv4.conf.wg0.forwarding=1 net.ipv4.conf.wg0.rp_filter=0
              ip route replace 192.168.53.0/24 dev wg0; ip -6 route replace fd53::/64 dev wg0
            fi
            for r in default 'blackhole 10.0.2.7' 'unreachable 192.168.60.101'; do ip route del $r; done 2>/dev/null
            ip -6 route del default 2>/dev/null
            ip rule del priority 100 2>/dev/null; ip rule del priority 99 2>/dev/null; ip route flush table 100 2>/dev/null
            ip neigh flush dev eth1
            """);
        await Sh(V, """
            nft flush ruleset
            ip link set eth0 mtu 1500 arp on up
            ip addr replace 192.168.60.101/24 dev eth0; ip -6 addr replace fd60::101/64 dev eth0 nodad
            ip route replace default via 192.168.60.1; ip -6 route replace default via fd60::1
            ip route del 192.168.53.0/24 2>/dev/null; ip -6 route del fd53::/64 2>/dev/null; ip route del 192.168.30.0/24 2>/dev/null
            true
            """);
        await Sh(U, """
            ip -6 addr replace fd00:2::7/64 dev eth0 nodad
            if [ -e /sys/class/net/wgu ]; then
              ip addr replace 192.168.53.99/32 dev wgu; ip -6 addr replace fd53::99/128 dev wgu nodad
              ip route replace 192.168.60.0/24 dev wgu; ip -6 route replace fd60::/64 dev wgu
            fi
            """);
    }
}

/// <summary>What is asked, and sent for real.</summary>
/// <param name="Size">Of a ping's data, without DF; null = the usual 56 bytes.</param>
internal sealed record Question(string Destination, string Protocol = "icmp", int? Port = null, string? Source = null, int? Size = null);
