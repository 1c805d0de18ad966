using Gateway.Contracts;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using static Gateway.Netns.Tests.Explain.MatrixLab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>Handshakes: keys, endpoints, two devices with one configuration, a client that is gone.</summary>
internal static class SessionCases
{
    private static readonly Question s_ping = new(V4);

    public static IEnumerable<BrokenCase> All =>
    [
        new("the tunnel's port closed by the gateway's firewall", s_ping, async lab =>
        {
            await NewPeer(lab);
            await Sh(lab.Gw, "nft 'table inet filter { chain input { type filter hook input priority 0; udp dport 51820 drop; }; }'");
            await lab.StartClient(peer: s_peer);
        }, HopIds.Session, Cure.Instruction) { Says = "UDP port 51820", Peer = () => s_peer },
        new("the client dials a wrong address", s_ping, async lab =>
        {
            await NewPeer(lab);
            await lab.StartClient(config => config.Replace(ThreeHosts.GatewayOutside, "10.0.2.77", StringComparison.Ordinal), s_peer);
        }, HopIds.Session, Cure.Instruction) { Says = "wrong endpoint", Peer = () => s_peer, AsTold = lab => lab.StartClient(peer: s_peer) },
        new("wrong pre-shared key", s_ping, async lab =>
        {
            await NewPeer(lab);
            await lab.StartClient(config => Line(config, "PresharedKey", Convert.ToBase64String(new byte[32].Select((_, i) => (byte)(i + 1)).ToArray())), s_peer);
        }, HopIds.Session, Cure.Instruction) { Says = "pre-shared", Peer = () => s_peer, AsTold = lab => lab.StartClient(peer: s_peer) },
        new("wrong key of the peer", s_ping, async lab =>
        {
            await NewPeer(lab);
            await lab.StartClient(config => Line(config, "PrivateKey", (Line(config, "PrivateKey")[0] == 'A' ? "B" : "A") + Line(config, "PrivateKey")[1..]), s_peer);
        }, HopIds.Session, Cure.Instruction) { Says = "no peer has", Peer = () => s_peer, AsTold = lab => lab.StartClient(peer: s_peer) },
        new("wrong key of the gateway", s_ping, async lab =>
        {
            await NewPeer(lab);
            var other = (await lab.Api.Get($"peers/{lab.Peer}"))["publicKey"]!.GetValue<string>();
            await lab.StartClient(config => Line(config, "PublicKey", other), s_peer);
        }, HopIds.Session, Cure.Instruction) { Says = "another public key", Peer = () => s_peer, AsTold = lab => lab.StartClient(peer: s_peer) },
        new("one configuration on two clients", s_ping, TwoClients, HopIds.Session, Cure.Instruction) { Says = "two devices", IsFlaky = true, AsTold = async lab =>
        {
            await s_second!.Stop();
            // It would notice by itself after 15 s without an answer.
            await lab.StartClient();
        } },
        new("session expired and the client gone", s_ping, async lab =>
        {
            await lab.StopClient();
            lab.Back(() => lab.StartClient());
            // The session goes with the process; the endpoint is remembered, and called.
            await lab.Hosts.Gateway.Stop();
            await lab.Hosts.Gateway.Start();
        }, HopIds.Session, Cure.Instruction) { Says = "gone", AsTold = lab => lab.StartClient() },
    ];

    private static string s_peer = "";
    private static Child? s_second;

    // A peer that was never seen: what is left of earlier sessions would else speak for it.
    private static async Task NewPeer(MatrixLab lab)
    {
        s_peer = await lab.AddPeer("host-n", "192.168.53.88/32");
        await lab.AddRoute(s_peer, LabTunnel.Intranet, "client");
        await lab.StopClient();
        lab.Back(() => lab.StartClient());
    }

    private static async Task TwoClients(MatrixLab lab)
    {
        var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "wgv.conf");
        // V reaches the gateway from inside, and takes only the tunnel's own prefix.
        await File.WriteAllTextAsync(file, Line(Line(await lab.Api.Config(lab.Peer), "Endpoint", $"{ThreeHosts.GatewayInside}:51820"), "AllowedIPs", "192.168.53.1/32"));
        s_second = lab.V.Start(Binaries.Cli, "connect", file);
        await Eventually.True(() => lab.V.HasLink("wgv"), "wgv on V");
        var loops = new[] { lab.U.Start("ping", "-i", "0.2", "192.168.53.1"), lab.V.Start("ping", "-i", "0.2", "-I", "wgv", "192.168.53.1") };
        lab.Back(async () =>
        {
            foreach (var loop in loops) await loop.DisposeAsync();
            await s_second.DisposeAsync();
            directory.Dispose();
        });
    }

    private static string Line(string config, string key) => config.Split('\n').First(line => line.StartsWith(key, StringComparison.Ordinal)).Split('=', 2)[1].Trim();

    private static string Line(string config, string key, string value) => string.Join('\n', config.Split('\n').Select(line => line.StartsWith(key, StringComparison.Ordinal) ? $"{key} = {value}" : line));
}
